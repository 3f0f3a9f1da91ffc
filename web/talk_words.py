"""Why a comment or a heart was not taken, in the reader's words."""

from __future__ import annotations

TALK_REJECTIONS: dict[str, tuple[str, str]] = {
    "slow_mode": ("现在是慢速发言，请 {seconds} 秒后再发。", "Slow mode: speak again in {seconds} seconds."),
    "duplicate": (
        "刚说过同样的话，请换个说法，或 {seconds} 秒后再发。",
        "You just said that; say it differently, or again in {seconds} seconds.",
    ),
    "refused_words": (
        "内容含有不允许发布的词语，请修改后再发。",
        "It contains words that may not be published; please change them.",
    ),
    "muted": ("您已被禁言，{seconds} 秒后可以发言。", "You are muted; you can speak again in {seconds} seconds."),
    "muted_for_good": ("您在本场直播已被禁言。", "You are muted for this event."),
    "banned": (
        "您已被禁止发言。如有疑问，请联系主办方。",
        "You may not speak here. Ask the organiser if you think it is wrong.",
    ),
    "banned_until": ("您已被禁止发言，{seconds} 秒后恢复。", "You may not speak here for {seconds} seconds."),
    "no_such_comment": ("没有找到这条评论，可能已被删除。", "There is no such comment; it may have been removed."),
    "no_such_sanction": ("没有找到这条处罚，可能已被解除。", "There is no such sanction; it may have been lifted."),
}
"""code: (Chinese, English)"""
