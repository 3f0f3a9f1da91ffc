"""Why a quiz said no, in the reader's words: (Chinese, English)."""

from __future__ import annotations

QUIZ_REJECTIONS: dict[str, tuple[str, str]] = {
    "no_such_question": ("没有这道题，请刷新。", "There is no such question; reload."),
    "question_not_asked": ("这道题还没有开始，请稍候。", "This question has not been asked yet."),
    "question_over": ("这道题已经结束，请等下一题。", "This question is over; wait for the next."),
    "from_next_question": (
        "您来晚了一步，从下一题开始参加。",
        "A little late: you play from the next question.",
    ),
    "not_released": ("题目还没有到您的画面，请稍候。", "The question has not reached your picture yet."),
    "too_late": ("时间到，这道题没有来得及。", "Time is up for this question."),
    "already_answered": ("这道题您已经答过了，不能更改。", "You have answered this question; it cannot be changed."),
    "eliminated": ("您已被淘汰，可以继续观看。", "You are out; you can watch on."),
    "wrong_protocol": (
        "本场有奖答题要求使用同一种播放方式，请在播放器中切换后再答。",
        "This quiz asks everybody to play the stream the same way; switch in the player.",
    ),
    "question_running": (
        "还有人在答题，请等本题结束。",
        "People are still answering; wait for the end.",
    ),
    "question_asked": ("这道题已经出过了。", "This question was asked already."),
    "no_more_questions": ("所有题目都出完了，可以截止并公布结果。", "Every question has been asked; close the quiz."),
    "not_an_elimination": ("只有淘汰赛可以复活。", "Only an elimination has revivals."),
}
