"""Why a room said no (`interaction.rejected`), in the reader's words: by sockets and by the API alike."""

from __future__ import annotations

import structlog

from web.lottery_words import LOTTERY_REJECTIONS
from web.quiz_words import QUIZ_REJECTIONS
from web.talk_words import TALK_REJECTIONS

# code: (Chinese, English)
REJECTIONS: dict[str, tuple[str, str]] = {
    **TALK_REJECTIONS,
    **QUIZ_REJECTIONS,
    **LOTTERY_REJECTIONS,
    # the room
    "invalid": ("内容有误，请修改后重试。", "The message is not valid."),
    "empty": ("请先写点什么。", "Write something first."),
    "too_long": ("最多 200 个字，请缩短一些。", "200 characters at most; please shorten it."),
    "too_fast": ("说得太快了，请 {seconds} 秒后再发。", "Too fast; try again in {seconds} seconds."),
    "room_closed": ("直播没有进行，暂时不能发言。", "The event is not live; the room is closed."),
    "cut": ("直播暂停，互动已关闭，请稍候。", "The broadcast is paused and the room is closed for now."),
    "sign_in_to_comment": ("请在客户端登录后发言。", "Sign in with the app to comment."),
    "sign_in_to_like": ("请在客户端登录后点赞。", "Sign in with the app to like."),
    "busy": ("人太多了，请 {seconds} 秒后再试。", "Too busy; try again in {seconds} seconds."),
    "not_yet": ("此功能尚未开放。", "This is not open yet."),
    # any activity
    "no_such_activity": ("没有找到这个互动，可能已被撤下。", "There is no such activity; it may have been taken back."),
    "wrong_kind": ("这个互动不接受此操作。", "This activity does not take that."),
    "activity_closed": ("互动已结束，下次早点来。", "This activity is closed."),
    "activity_state": (
        "互动当前的状态不允许此操作，请刷新。",
        "The activity's state does not allow this; reload.",
    ),
    "event_not_live": ("直播开始后才能开启互动。", "Activities open once the event is live."),
    "too_many_activities": ("一场直播最多 100 个互动。", "An event holds 100 activities at most."),
    "sign_in_to_vote": ("请在客户端登录后投票。", "Sign in with the app to vote."),
    "sign_in_to_answer": ("请在客户端登录后答题。", "Sign in with the app to answer."),
    "sign_in_to_enter": ("请在客户端登录后参与。", "Sign in with the app to take part."),
    # points and the mall
    "no_such_item": ("这件礼品已下架。", "This item is no longer in the mall."),
    "sold_out": ("这件礼品已兑完。", "This item is sold out."),
    "not_enough_points": ("积分不够，再攒攒吧。", "You do not have enough points yet."),
    "collect_first": ("您有太多未领取的礼品，请先领取。", "Collect your waiting orders first."),
    "order_done": ("这份订单已领取或已取消。", "This order was handed out or cancelled already."),
    # votes
    "no_such_option": ("选项有误，请刷新后重选。", "There is no such option; reload and choose again."),
    "too_few_options": ("选得太少了，请再选几项。", "Choose more options."),
    "too_many_options": ("选得太多了，请去掉几项。", "Choose fewer options."),
    "already_voted": ("您已经投过票了，本次投票不能更改。", "You have voted already; this vote cannot be changed."),
    "no_votes_left": ("您的票已经投完了。", "You have no votes left."),
}

_OTHERWISE = ("没有成功，请稍后再试。", "That did not work; try again shortly.")
log = structlog.get_logger(__name__)


def rejection(code: str, *, english: bool, seconds: int = 0) -> str:
    """The sentence for a code."""
    words = REJECTIONS.get(code)
    if words is None:
        log.error("a rejection has no words", code=code)
        words = _OTHERWISE
    return words[english].format(seconds=seconds)
