"""Why a source may not be pulled, in both languages."""

from __future__ import annotations

SOURCE_PROBLEMS: dict[str, tuple[str, str]] = {
    "source_scheme": (
        "地址应以 rtsp://、rtmp://、http(s)://、srt:// 或 file: 开头。",
        "The address should begin with rtsp://, rtmp://, http(s)://, srt:// or file:.",
    ),
    "source_address": ("地址写法有误，请检查。", "The address is not valid."),
    "source_file": (
        "文件名有误，或文件不在主机的 sources 目录里。",
        "A file name is wrong, or the file is not in the hub's sources folder.",
    ),
    "source_network": (
        "主机设置不允许拉取这个网络里的地址。",
        "The hub's settings do not allow sources in that network.",
    ),
    "source_times": ("结束时间应晚于开始时间。", "The end should be later than the start."),
}
