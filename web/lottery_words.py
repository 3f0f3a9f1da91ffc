"""Why a lottery said no, in the reader's words: (Chinese, English)."""

from __future__ import annotations

LOTTERY_REJECTIONS: dict[str, tuple[str, str]] = {
    "no_prizes": ("请先填写奖品。", "Add a prize first."),
    "prize_too_large": (
        "单个奖品价值不得超过 5 万元（反不正当竞争法），不能开启。",
        "The law allows 50,000 yuan for one prize; this one is above it.",
    ),
    "missing_organiser": ("请填写主办单位：抽奖开始前必须公示。", "Say who organises the draw: it must be published."),
    "missing_contact": ("请填写联系方式：抽奖开始前必须公示。", "Give a contact: it must be published."),
    "missing_claim_way": ("请填写兑奖方式：抽奖开始前必须公示。", "Say how prizes are claimed: it must be published."),
    "missing_claim_days": ("请填写兑奖期限：抽奖开始前必须公示。", "Say until when prizes are claimed."),
    "missing_outside_source": (
        "请写明外部随机值从哪里来（例如次日收盘指数）。",
        "Say where the outside value will come from, such as tomorrow's closing index.",
    ),
    "outside_mandatory": (
        "导入名单或有价值的奖品必须使用外部随机值，请选择现场见证或公共信标。",
        "Imported lists and prizes of value need an outside random value: witnesses or the public beacon.",
    ),
    "bad_order": ("开奖顺序与奖项不符，请重新保存。", "The order does not match the prizes; keep the draft again."),
    "no_list": ("请先导入名单。", "Import the list first."),
    "not_an_imported_pool": ("这个抽奖不使用导入名单。", "This draw does not use an imported list."),
    "no_such_pool": ("这种参与方式暂不可用。", "This way of taking part is not available."),
    "pool_too_large": ("参与人数已达上限。", "The pool is full."),
    "empty_pool": ("没有人参与，无法开奖；可以作废并说明原因。", "Nobody is in the pool; void the draw with a reason."),
    "pool_changed": (
        "数据与开奖前公布的承诺值不符，不能开奖。请作废并查明原因。",
        "The data is not what was committed to before; the draw is refused. Void it and find out why.",
    ),
    "outside_missing": ("请填写外部随机值。", "Enter the outside value."),
    "outside_too_long": ("外部随机值最多 200 个字。", "The outside value has 200 characters at most."),
    "outside_not_yet": (
        "约定的信标轮次还没到（截止后约一分钟），请稍候再开奖。",
        "The beacon's round comes about a minute after the close; wait a little.",
    ),
    "outside_unreachable": (
        "服务器连不上公共信标。请在能上网的设备打开该轮次，把 randomness（64 位十六进制）填入。",
        "The hub cannot reach the beacon. Read the round's randomness (64 hex digits) elsewhere and enter it.",
    ),
    "unreadable_list": ("无法读取，请上传 CSV 或 XLSX 文件。", "This cannot be read; send a CSV or XLSX file."),
    "empty_list": ("名单是空的。", "The list is empty."),
    "list_too_long": ("名单太长，最多 20 万行。", "The list is too long: 200,000 lines at most."),
    "no_number_column": (
        "第一行需要有“号码”列（或：发票号码、编号、number）。",
        "The first line needs a column named number.",
    ),
    "not_in_list": ("名单中没有这个号码，请核对。", "This number is not in the list; check it."),
    "no_such_prize": ("没有找到这个奖品，或它已被处理。", "There is no such prize, or it was dealt with already."),
    "claim_over": ("兑奖期限已过，奖品已转给候补。", "The time to claim is over; the prize went to a reserve."),
}

LIST_WORDS: dict[str, tuple[str, str]] = {
    "missing": ("缺少号码", "the number is missing"),
    "duplicate": ("号码重复（与所示行相同）", "the number stands twice (see the line)"),
    "too_long": ("内容过长", "too long"),
    "bad_phone": ("手机号有误", "no phone number"),
    "bad_amount": ("金额有误", "no amount"),
    "bad_date": ("日期有误", "no date"),
    "person_cap": ("超过每人上限", "more than one person may have"),
    "merchant_cap": ("超过每商户上限", "more than one merchant may have"),
}
