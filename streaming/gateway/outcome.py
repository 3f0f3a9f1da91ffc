"""Why a source gives nothing (any more), as codes with plain words; read from what ffmpeg said last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    ENDED = "ended"
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    REFUSED = "connection_refused"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    NO_MEDIA = "no_media"
    """Connected, but nothing came."""
    SILENT = "silent"
    """Media came, and then no more."""
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    EVICTED = "evicted"
    """The hub gave the feed to another publisher, or took it back."""


WORDS: dict[Reason, tuple[str, str]] = {
    Reason.ENDED: ("信号源已结束", "The source has ended"),
    Reason.UNKNOWN_HOST: (
        "找不到这个主机名，请检查地址是否写错",
        "No such host name; check the address",
    ),
    Reason.UNREACHABLE: (
        "连不上信号源，请检查设备是否开机、网络是否相通",
        "The source cannot be reached; check that it is on and that the network leads there",
    ),
    Reason.REFUSED: (
        "设备在线但拒绝连接，请检查端口和服务是否开启",
        "The device is there but refuses; check the port and that its service is on",
    ),
    Reason.UNAUTHORIZED: ("用户名或密码不对", "Wrong user name or password"),
    Reason.NOT_FOUND: (
        "设备上没有这个码流，请检查地址的路径部分",
        "No such stream there; check the path of the address",
    ),
    Reason.NO_MEDIA: (
        "已连上，但没有收到任何音视频，请检查设备是否在出画面",
        "Connected, but no media came; check that the device sends a picture",
    ),
    Reason.SILENT: ("信号中断了，正在重连", "The signal stopped; reconnecting"),
    Reason.UNSUPPORTED: (
        "音视频格式不支持，请把设备设为 H.264 和 AAC",
        "The format is not supported; set the device to H.264 and AAC",
    ),
    Reason.FAILED: ("读取信号源失败", "The source could not be read"),
    Reason.EVICTED: ("另一路推流占用了这个机位", "Another publisher has this feed"),
}

_SIGNS: tuple[tuple[str, Reason], ...] = (
    ("failed to resolve", Reason.UNKNOWN_HOST),
    ("name or service not known", Reason.UNKNOWN_HOST),
    ("name resolution", Reason.UNKNOWN_HOST),
    ("nodename nor servname", Reason.UNKNOWN_HOST),
    ("401 unauthorized", Reason.UNAUTHORIZED),
    ("403 forbidden", Reason.UNAUTHORIZED),
    ("authorization failed", Reason.UNAUTHORIZED),
    ("404 not found", Reason.NOT_FOUND),
    ("404 stream not found", Reason.NOT_FOUND),
    ("no such file", Reason.NOT_FOUND),
    ("streamnotfound", Reason.NOT_FOUND),
    ("454 session", Reason.NOT_FOUND),
    ("connection refused", Reason.REFUSED),
    ("no route to host", Reason.UNREACHABLE),
    ("network is unreachable", Reason.UNREACHABLE),
    ("host is unreachable", Reason.UNREACHABLE),
    ("timed out", Reason.UNREACHABLE),
    ("not compatible with flv", Reason.UNSUPPORTED),
    ("codec not supported in flv", Reason.UNSUPPORTED),
    ("not supported in flv", Reason.UNSUPPORTED),
    ("could not write header", Reason.UNSUPPORTED),
    ("could not find codec parameters", Reason.NO_MEDIA),
    ("does not contain any stream", Reason.NO_MEDIA),
    ("invalid data found", Reason.NO_MEDIA),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    reason: Reason
    detail: str = ""
    """ffmpeg's last line, without the address (it may hold a password); for the log and for support."""

    @property
    def zh(self) -> str:
        return WORDS[self.reason][0]

    @property
    def en(self) -> str:
        return WORDS[self.reason][1]


def read_outcome(lines: list[str], *, had_media: bool) -> Outcome:
    """What ffmpeg's last lines mean; the first sign in the table that any of them shows."""
    said = [line.lower() for line in lines]
    detail = lines[-1][:200] if lines else ""
    for sign, reason in _SIGNS:
        if any(sign in line for line in said):
            return Outcome(Reason.SILENT if had_media and reason is Reason.NO_MEDIA else reason, detail)
    if had_media:
        return Outcome(Reason.ENDED, detail)
    return Outcome(Reason.FAILED if lines else Reason.NO_MEDIA, detail)
