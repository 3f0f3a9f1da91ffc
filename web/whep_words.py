"""What WHEP's problems say to whoever builds a player."""

from __future__ import annotations

WHEP_PROBLEMS: dict[str, tuple[str, str]] = {
    "whep_not_sdp": ("请以 application/sdp 提交。", "Send the offer as application/sdp."),
    "whep_not_fragment": (
        "请以 application/trickle-ice-sdpfrag 提交。",
        "Send the fragment as application/trickle-ice-sdpfrag.",
    ),
    "whep_malformed": ("SDP 无法识别：{detail}", "The SDP cannot be read: {detail}"),
    "whep_no_media": ("播放请求没有要接收画面。", "The offer does not ask for a picture."),
    "whep_codec": (
        "此播放器（{offered}）不能播放 H.264，请改用普通延迟。",
        "This player ({offered}) cannot play H.264; use the ordinary delay.",
    ),
    "whep_not_carried": ("{zh}。", "{en}."),
    "whep_if_match": (
        "会话已更新，请重新连接。",
        "If-Match does not name the current ICE session; connect again.",
    ),
    "whep_no_session": ("播放已结束，请重新打开。", "This session has ended; open it again."),
}
