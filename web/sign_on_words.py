"""Why an app's token was not taken, and what moderators meet, in the reader's words."""

from __future__ import annotations

SIGN_ON_PROBLEMS: dict[str, tuple[str, str]] = {
    "app_token_invalid": (
        "登录信息有误，请回到客户端重新打开。",
        "The app's token is not valid; open the page from the app.",
    ),
    "app_token_expired": (
        "登录信息已过期，请回到客户端重新打开。",
        "The app's token has expired; open the page from the app again.",
    ),
    "app_token_too_long": (
        "客户端签发的登录信息有效期超过 5 分钟。",
        "The app's token is valid for more than 5 minutes.",
    ),
    "app_token_used": (
        "登录信息已被使用，请回到客户端重新打开。",
        "The app's token was used already; open the page from the app again.",
    ),
    "app_token_other_center": ("登录信息不属于本中心。", "The app's token is for another center."),
    "app_token_other_issuer": ("登录信息的签发方不符。", "The app's token has another issuer than was agreed."),
    "app_token_unknown_key": ("登录信息的签名密钥未知。", "The app's token is signed with an unknown key."),
    "app_keys_unreachable": (
        "暂时无法核对登录信息，请稍后再试。",
        "The app's keys cannot be fetched right now; try again shortly.",
    ),
    "bad_words": ("词表有误，没有导入任何内容，请修改标出的行。", "The list has faults; nothing was taken over."),
    "words_changed": (
        "词表刚被他人修改，请刷新后重试。",
        "Somebody else changed the list just now; reload and try again.",
    ),
    "too_many_words": ("词表最多 50000 个词。", "A list holds 50,000 words at most."),
}
"""code: (Chinese, English)"""
