#!/usr/bin/env bash
# Installs what Debian has to provide, as root; otherwise says exactly what to install, and stops.
# Usage: debian-packages.sh run|test|long|bench ...
set -euo pipefail

wanted=()
for part in "$@"; do
  case "$part" in
    run) wanted+=(libssl3 libcurl4 python3-venv) ;;
    test) wanted+=(chromium fonts-noto-cjk libnss3 nginx) ;;
    long)
      wanted+=(python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-tools gstreamer1.0-libav)
      wanted+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)
      ;;
    bench) wanted+=(nginx libnginx-mod-rtmp wrk janus) ;;
    *) echo "unknown part: $part" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "This is no Debian. Needed, under your system's names: ${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  # a Python that brings its own venv (pyenv, python.org) needs no package for it
  if [ "$package" = python3-venv ] && python3 -c 'import ensurepip' 2>/dev/null; then continue; fi
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "Missing on this machine: ${missing[*]}" >&2
  echo "Install them first:  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
  exit 1
fi
echo "Installing from Debian: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# the distribution starts what it installs; the hub runs its own
for server in nginx janus; do
  if [[ " ${missing[*]} " == *" $server "* ]]; then service "$server" stop >/dev/null 2>&1 || true; fi
done
