"""What we deploy with: nginx's configuration before a real hub, the service unit, the container manifests."""

from __future__ import annotations

import asyncio
import configparser
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from playwright.async_api import Browser, expect

from config.settings import Environment
from tests.support.browser import chromium, plays
from tests.support.hub_process import HubProcess, encoder, hub_process
from tests.support.nginx import NGINX, Proxy, adapted, nginx

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
EVERYBODY = {"anonymous_may": ["watch", "like", "comment"], "moderation": "post"}
APPLE = {"User-Agent": "AppleCoreMedia/1.0.0.17A577 (iPhone; U; CPU OS 13_0 like Mac OS X; zh_cn)"}


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document is not None]


# --- nginx ---


@pytest.mark.parametrize("site", ["site.conf", "site-behind-ingress.conf"])
def test_nginx_takes_its_configuration(tmp_path: Path, site: str) -> None:
    configuration = adapted(tmp_path, 8080, 8088, 8443, site)
    judged = subprocess.run([NGINX, "-t", "-q", "-c", str(configuration)], capture_output=True, text=True, timeout=20)
    assert judged.returncode == 0, judged.stderr
    assert "[warn]" not in judged.stderr


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HubProcess, Proxy]]:
    directory = tmp_path_factory.mktemp("deployed")
    with hub_process(directory / "data") as hub:
        (directory / "nginx").mkdir()
        with nginx(directory / "nginx", hub.http_port) as proxy:
            yield hub, proxy


@pytest.fixture(scope="module")
def on_air(proxied: tuple[HubProcess, Proxy]) -> Iterator[dict[str, Any]]:
    """A live event with a picture."""
    hub, _ = proxied
    event = hub.create_event(rules=EVERYBODY)
    hub.start_event(event["id"])
    with encoder(event["venues"][0]["feeds"][0]["ingest"]["rtmp_url"]):
        yield event


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


def ask(proxy: Proxy, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    """HTTP/1.1 over TLS, as an old client speaks."""
    with urllib3.PoolManager(cert_reqs="CERT_NONE") as pool, pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        return pool.request("GET", proxy.url + path, headers=headers, timeout=20)


@pytest.mark.browser
@pytest.mark.timeout(150)
async def test_a_phone_watches_and_comments_through_nginx(
    proxied: tuple[HubProcess, Proxy], on_air: dict[str, Any], browser: Browser
) -> None:
    _, proxy = proxied
    context = await browser.new_context(ignore_https_errors=True, locale="zh-CN")
    page = await context.new_page()
    protocols: set[str] = set()
    async with page.expect_websocket(timeout=15_000) as socket:
        await page.goto(f"{proxy.url}/e/{on_air['id']}?token=secret-of-the-app")
    assert (await socket.value).url.startswith("wss://")
    await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
    await plays(page)
    await page.get_by_label("说点什么…").fill("经过代理")
    await page.get_by_role("button", name="发送").click()
    await expect(page.locator(".comment", has_text="经过代理")).to_be_visible()
    protocols = set(
        await page.evaluate("() => performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol)")
    )
    assert "h2" in protocols
    asked = await page.evaluate("() => performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [url for url in asked if "_HLS_msn=" in url], "no low latency through the proxy"
    await page.goto(f"{proxy.url}/e/{on_air['id']}?protocol=flv")
    await page.wait_for_function("() => document.querySelector('video')?.videoWidth === 640", timeout=30_000)
    await plays(page)
    await context.close()
    assert "secret-of-the-app" not in proxy.access_log.read_text("utf-8")


@pytest.mark.browser
async def test_apples_player_has_low_latency_over_http2_and_the_plain_list_without_it(
    proxied: tuple[HubProcess, Proxy], on_air: dict[str, Any], browser: Browser
) -> None:
    _, proxy = proxied
    path = f"/live/{on_air['id']}/main/index.m3u8"
    plain = await asyncio.to_thread(ask, proxy, path, **APPLE)
    assert b"media.m3u8?plain=1" in plain.data
    context = await browser.new_context(ignore_https_errors=True, user_agent=APPLE["User-Agent"])
    page = await context.new_page()
    answer = await page.goto(f"{proxy.url}/e/nosuchevent")
    assert answer is not None
    over_http2 = await page.evaluate("(path) => fetch(path).then((answer) => answer.text())", path)
    assert "media.m3u8" in over_http2 and "plain" not in over_http2
    await context.close()


@pytest.mark.browser
def test_finished_segments_come_from_the_cache_and_blocking_lists_never(
    proxied: tuple[HubProcess, Proxy], on_air: dict[str, Any]
) -> None:
    _, proxy = proxied
    base = f"/live/{on_air['id']}/main"
    ask(proxy, f"{base}/index.m3u8")  # waits for the first picture
    listed = ""
    while not (segments := re.findall(r"^(seg-\d+\.m4s)$", listed, re.M)):
        last = re.findall(r"#EXT-X-PRELOAD-HINT:.*seg-(\d+)\.", listed)
        msn = last[0] if last else "0"
        blocked = ask(proxy, f"{base}/media.m3u8?_HLS_msn={msn}")
        assert blocked.status == 200 and blocked.headers["X-Cache-Status"] == "BYPASS"
        listed = blocked.data.decode()
    first, second = (ask(proxy, f"{base}/{segments[-1]}") for _ in range(2))
    assert first.status == second.status == 200
    assert second.headers["X-Cache-Status"] == "HIT"
    assert first.data == second.data
    part = ask(proxy, f"{base}/{segments[-1]}", Range="bytes=4-7")
    assert (part.status, part.data) == (206, first.data[4:8])
    [part_name] = re.findall(r'URI="(seg-\d+\.\d+\.m4s)"', listed)[-1:]
    assert "X-Cache-Status" not in ask(proxy, f"{base}/{part_name}").headers


@pytest.mark.browser
def test_plain_http_is_sent_to_https_and_figures_of_the_process_stay_inside(
    proxied: tuple[HubProcess, Proxy], on_air: dict[str, Any]
) -> None:
    hub, proxy = proxied
    answer = urllib3.request("GET", f"http://127.0.0.1:{proxy.http_port}/e/{on_air['id']}", redirect=False, timeout=10)
    assert answer.status == 301 and answer.headers["Location"].startswith("https://")
    assert ask(proxy, "/metrics").status == 200  # from the machine itself
    assert "deny all;" in (DEPLOY / "nginx" / "hub.conf").read_text("utf-8").split("location = /metrics")[1]
    page = ask(proxy, f"/api/v1/events/{on_air['id']}/page").json()
    assert urllib.parse.urlsplit(page["venues"][0]["play"]["hls_url"]).scheme == "https"
    assert hub.url.startswith("http://")


# --- the service ---


def test_the_unit_runs_the_hub_and_systemd_takes_it(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "venuecast.service").read_text("utf-8")
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = unit["Service"]
    assert service["ExecStart"] == "/opt/venuecast/.venv/bin/venuecast serve"
    state = f"/var/lib/{service['StateDirectory']}"
    assert f"VENUECAST_DATA_DIR={state}\n" in (DEPLOY / "systemd" / "venuecast.env").read_text("utf-8")
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # a container without systemd has only the words above
        return
    command = tmp_path / "venuecast"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    copy = tmp_path / "venuecast.service"
    copy.write_text(text.replace(service["ExecStart"].split()[0], str(command)))
    verify = [analyze, "verify", "--man=no", "--recursive-errors=no", str(copy)]
    judged = subprocess.run(verify, capture_output=True, text=True, timeout=30)
    assert judged.returncode == 0, judged.stderr
    assert "venuecast.service" not in judged.stderr, judged.stderr


def settings_named(text: str) -> set[str]:
    return set(re.findall(r"VENUECAST_([A-Z_]+)\b", text)) - {"HOST"}  # compose's own variable


@pytest.mark.parametrize("path", ["systemd/venuecast.env", "compose.yaml", "k8s/hub.yaml", "Dockerfile"])
def test_every_setting_that_is_given_exists(path: str) -> None:
    named = settings_named((DEPLOY / path).read_text("utf-8"))
    assert named and {name.lower() for name in named} <= Environment.model_fields.keys()


def test_operations_lists_every_setting() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    named = {name.lower() for name in settings_named(text)}
    assert named == set(Environment.model_fields.keys())


# --- containers ---


def test_compose_puts_nginx_beside_the_hub_and_keeps_the_databases_inside() -> None:
    [compose] = documents(DEPLOY / "compose.yaml")
    services = compose["services"]
    assert services.keys() == {"address", "hub", "nginx", "mongodb", "redis"}
    # the hub believes X-Forwarded-For from loopback only
    assert services["hub"]["network_mode"] == services["nginx"]["network_mode"] == "service:address"
    assert {port.split(":")[1] for port in services["address"]["ports"]} == {
        "80",
        "443",
        "1935",
        "8189/udp",
        "8890/udp",
    }
    assert all("ports" not in services[name] for name in ("mongodb", "redis"))
    assert all(services[name]["networks"] == ["backing"] for name in ("mongodb", "redis"))
    assert compose["networks"]["backing"]["internal"] is True
    replica_set = services["mongodb"]["command"][services["mongodb"]["command"].index("--replSet") + 1]
    assert f"replicaSet={replica_set}" in services["hub"]["environment"]["VENUECAST_MONGODB_URL"]
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {name for name in mounted if not name.startswith(".")} == compose["volumes"].keys()


def test_the_image_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line]
    sources = [source for line in copied for source in line]
    assert {"config/", "streaming/", "interaction/", "recorder/", "web/"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_manifests_fit_together() -> None:
    [kustomization] = documents(DEPLOY / "kustomization.yaml")
    objects = [one for path in kustomization["resources"] for one in documents(DEPLOY / path)]
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in objects:
        assert {"apiVersion", "kind", "metadata"} <= one.keys()
        by_kind.setdefault(one["kind"], []).append(one)
    [hub] = by_kind["StatefulSet"]
    services = {service["metadata"]["name"]: service["spec"] for service in by_kind["Service"]}
    [ingress] = by_kind["Ingress"]
    assert hub["spec"]["replicas"] == 1  # one process owns the media volume
    assert hub["spec"]["serviceName"] in services
    pod = hub["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for box in pod["spec"]["containers"] for port in box["ports"]}
    labels = pod["metadata"]["labels"]
    assert hub["spec"]["selector"]["matchLabels"] == labels
    for spec in services.values():
        assert spec["selector"] == labels
        assert {port["targetPort"] for port in spec["ports"]} <= ports.keys()
    [path] = ingress["spec"]["rules"][0]["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
    assert f"listen {ports['web']};" in (DEPLOY / "nginx" / "site-behind-ingress.conf").read_text("utf-8")
    claims = {claim["metadata"]["name"] for claim in hub["spec"]["volumeClaimTemplates"]}
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]} | claims
    mounted = {mount["name"] for box in pod["spec"]["containers"] for mount in box["volumeMounts"]}
    assert mounted == volumes


def test_secrets_are_given_by_name_only() -> None:
    [hub] = [one for one in documents(DEPLOY / "k8s" / "hub.yaml") if one["kind"] == "StatefulSet"]
    environment = {entry["name"]: entry for entry in hub["spec"]["template"]["spec"]["containers"][0]["env"]}
    for name in ("VENUECAST_MONGODB_URL", "VENUECAST_REDIS_URL", "VENUECAST_ADMIN_PASSWORD"):
        assert "value" not in environment[name] and environment[name]["valueFrom"]["secretKeyRef"]["name"]
    assert not [path for path in DEPLOY.rglob("*.yaml") if "kind: Secret" in path.read_text("utf-8")]


def test_the_generated_configuration_names_files_that_are_there() -> None:
    [kustomization] = documents(DEPLOY / "kustomization.yaml")
    [generated] = kustomization["configMapGenerator"]
    files = dict(entry.split("=") if "=" in entry else (Path(entry).name, entry) for entry in generated["files"])
    assert files.keys() == {"nginx.conf", "hub.conf", "site.conf"}
    assert all((DEPLOY / path).is_file() for path in files.values())
