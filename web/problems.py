"""Problem details (RFC 9457), in the reader's language: what is wrong, where, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aiohttp import hdrs, web

from web.field_words import FieldError
from web.rejections import REJECTIONS
from web.sign_on_words import SIGN_ON_PROBLEMS
from web.source_words import SOURCE_PROBLEMS
from web.whep_words import WHEP_PROBLEMS
from web.whip_words import WHIP_PROBLEMS

# code: (Chinese, English)
TEXTS: dict[str, tuple[str, str]] = {
    **REJECTIONS,
    **SIGN_ON_PROBLEMS,
    **WHIP_PROBLEMS,
    **SOURCE_PROBLEMS,
    **WHEP_PROBLEMS,
    **SOURCE_PROBLEMS,
    "join_again": ("请重新进入直播间。", "Join the room again."),
    "not_found": ("没有找到，可能已删除或地址有误。", "Not found: it may have been removed, or the address is wrong."),
    "not_live": ("该会场现在没有直播。", "This venue is not live now."),
    "no_picture": ("还没有画面，请稍后再试。", "There is no picture yet; try again in a moment."),
    "no_new_media": ("暂时没有新的画面，请重试。", "No new media came in time; ask again."),
    "too_far_ahead": ("请求的片段太靠后。", "The requested media lies too far ahead."),
    "bad_directive": ("播放列表参数有误。", "The playlist directives are not valid."),
    "bad_cursor": ("翻页参数已失效，请从第一页重新开始。", "The cursor is not valid; start again from the first page."),
    "not_signed_in": ("请先登录。", "Sign in first."),
    "forbidden": ("您没有这项权限，请联系本中心管理员。", "You may not do this; ask your center's administrator."),
    "cross_site": ("请求来自其他网站，已拒绝。", "The request came from another site and was refused."),
    "invalid": ("填写的内容有误，请检查标出的项目。", "Some fields are not valid; see the list."),
    "bad_json": ("内容不是有效的 JSON。", "The body is not valid JSON."),
    "too_large": ("内容过大。", "The body is too large."),
    "method_not_allowed": ("该地址不支持此操作。", "This address does not support the method."),
    "password_change_due": ("请先修改一次性密码。", "Change your one-time password first."),
    "wrong_credentials": ("用户名或密码不正确。", "The user name or password is wrong."),
    "locked_out": ("失败次数过多，请 {seconds} 秒后再试。", "Too many failures; try again in {seconds} seconds."),
    "account_disabled": ("该账号已停用，请联系管理员。", "This account is disabled; ask your administrator."),
    "weak_password": ("密码太短，至少 10 位。", "The password is too short; use 10 characters or more."),
    "username_taken": ("该用户名已被使用。", "This user name is taken."),
    "last_admin": ("至少保留一位管理员。", "At least one administrator has to stay."),
    "wrong_state": ("活动当前状态不允许此操作。", "The event's state does not allow this."),
    "too_many_venues": ("会场数量已达上限。", "The event has the most venues it can have."),
    "too_many_feeds": ("机位数量已达上限。", "The venue has the most feeds it can have."),
    "main_venue_stays": ("主会场不能删除。", "The main venue cannot be removed."),
    "event_is_cut": ("直播已被切断，请先恢复。", "The event is cut; resume it first."),
    "feed_has_no_picture": ("该机位还没有画面，不能切出。", "This feed has no picture yet and cannot go on air."),
    "app_sign_on_not_set_up": ("本中心尚未接入客户端登录。", "This center has no app sign-on set up yet."),
    "quota_crew": ("本中心人数已达上限。", "Your center has reached its quota of crew."),
    "quota_events": ("同时直播的活动数已达本中心上限。", "Your center has reached its quota of live events."),
    "disk_full": (
        "磁盘只够录制不到 1 小时，请先清理磁盘再开播。",
        "The disk holds less than an hour of recording; make room before you start.",
    ),
    "conflict": ("内容刚被他人修改，请刷新后重试。", "Somebody else changed this just now; reload and try again."),
    "bad_picture": ("图片无法识别，请上传 JPG 或 PNG。", "The picture cannot be read; upload a JPEG or PNG."),
    "busy": ("人太多了，请稍后再试。", "Too busy right now; try again shortly."),
    "internal": (
        "主机内部错误（编号 {incident}），已记录。",
        "Something broke on our side (incident {incident}); it is logged.",
    ),
}


class Problem(Exception):
    """Raised by a handler; answered as problem details."""

    def __init__(self, status: int, code: str, *, errors: Sequence[FieldError] = (), **values: object) -> None:
        super().__init__(code)
        self.status, self.code, self.errors, self.values = status, code, errors, values


def prefers_chinese(request: web.BaseRequest) -> bool:
    """Chinese unless the reader likes English better (RFC 9110, 12.5.4)."""
    weights = {"zh": 0.0, "en": 0.0}
    for wish in request.headers.get(hdrs.ACCEPT_LANGUAGE, "").lower().split(","):
        language, _, parameters = wish.partition(";")
        primary = language.strip().partition("-")[0]
        if primary in weights:
            try:
                weight = float(parameters.partition("=")[2]) if parameters else 1.0
            except ValueError:
                weight = 0.0
            # of two that are liked as much the first one counts
            weights[primary] = max(weights[primary], weight - 0.0001 * (weights["zh"] > 0 or weights["en"] > 0))
    return weights["zh"] >= weights["en"]


def text_of(code: str, *, chinese: bool, **values: object) -> str:
    return TEXTS[code][0 if chinese else 1].format(**values)


def problem(
    request: web.BaseRequest, status: int, code: str, *, errors: Sequence[FieldError] = (), **values: object
) -> web.Response:
    """A problem details response. `code` is one of TEXTS; `values` fill its text and stand in the body too."""
    chinese = prefers_chinese(request)
    body: dict[str, object] = {
        "type": f"urn:venuecast:problem:{code}",
        "title": text_of(code, chinese=chinese, **values),
        "status": status,
        "code": code,
        **values,
    }
    if errors:
        body["errors"] = [{"loc": e.loc, "msg": e.chinese if chinese else e.english} for e in errors]
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if "seconds" in values:
        headers["Retry-After"] = str(values["seconds"])
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/problem+json", headers=headers)
