"""What WHIP's problems say to whoever sets up an encoder or holds a phone."""

from __future__ import annotations

WHIP_PROBLEMS: dict[str, tuple[str, str]] = {
    "whip_no_key": (
        "缺少推流码：请放在地址中，或作为 Bearer 令牌填写。",
        "No stream key: put it into the address, or give it as the bearer token.",
    ),
    "whip_unknown_key": (
        "推流码无效，请向导播索取新的链接。",
        "This stream key is not valid; ask the director for a new link.",
    ),
    "whip_event_over": ("该直播已结束，请核对推流地址。", "This event has ended; check the address."),
    "whip_contested": (
        "另一台设备正在使用此推流码，请停掉其中一台后重试。",
        "Another device is using this stream key; stop one of them and try again.",
    ),
    "whip_quota": ("本中心推流路数已达上限。", "Your center has reached its quota of feeds."),
    "whip_not_sdp": ("请以 application/sdp 提交。", "Send the offer as application/sdp."),
    "whip_not_fragment": (
        "请以 application/trickle-ice-sdpfrag 提交。",
        "Send the fragment as application/trickle-ice-sdpfrag.",
    ),
    "whip_malformed": ("SDP 无法识别：{detail}", "The SDP cannot be read: {detail}"),
    "whip_no_media": (
        "没有可接收的画面或声音，请允许使用摄像头。",
        "The offer sends neither picture nor sound; allow the camera.",
    ),
    "whip_codec": (
        "编码格式（{offered}）不支持，请改用 H.264 视频与 Opus 音频。",
        "None of the offered codecs ({offered}) can be carried; use H.264 video and Opus audio.",
    ),
    "whip_if_match": (
        "会话已更新，请重新连接。",
        "If-Match does not name the current ICE session; connect again.",
    ),
    "whip_no_session": ("推流已结束，请重新开始。", "This session has ended; start again."),
}
