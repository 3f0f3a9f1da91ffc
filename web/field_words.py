"""What is wrong with a field, in both languages: pydantic's own words in English, ours in Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from web.source_words import SOURCE_PROBLEMS

_OTHERWISE = "内容不符合要求"
_TIME = "应为带时区的时间，例如 2026-10-01T19:30:00+08:00"
_CHINESE = {
    "missing": "必填",
    "extra_forbidden": "没有这一项，请检查拼写",
    "string_type": "应为文字",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "格式不对",
    "string_unicode": "含有无法识别的字符",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "list_type": "应为列表",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
    # our own
    **{code: chinese for code, (chinese, _) in SOURCE_PROBLEMS.items()},
    "one_main_venue": "主会场必须有且只有一个",
    "one_choice": "请在 feed_id 和 slate: true 中选择一个",
    "no_correct_option": "每道题至少要有一个正确选项",
    "one_correct_option": "单选题只能有一个正确选项",
    "choice_range": "最少与最多可选数应在选项数之内",
    "change_or_times": "允许改票时，每人只能投一票",
    "same_id": "有两个选项的编号相同",
    "union_tag_invalid": "没有这种互动",
    "union_tag_not_found": "请指明互动的种类（kind）",
    "time_out_of_range": "时间应在 2000 年到 2100 年之间",
}
"""By pydantic's error type. What is not here is said in general words."""


@dataclass(frozen=True, slots=True)
class FieldError:
    loc: str
    """Names and indexes down to the field, with dots between; empty for the whole."""
    chinese: str
    english: str


def field_errors(error: ValidationError) -> list[FieldError]:
    """One for each thing that is wrong."""
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        chinese = _CHINESE.get(detail["type"], _OTHERWISE).format(**detail.get("ctx", {}))
        found.append(FieldError(".".join(map(str, detail["loc"])), chinese, detail["msg"]))
    return found
