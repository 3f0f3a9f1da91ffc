"""A lottery's winners as files for the crew."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook

_HEAD = ("奖品", "券号", "姓名", "电话", "发票号码", "状态", "兑奖期限", "登记姓名", "登记电话", "登记地址")
_STATUS = {
    "won": "待兑奖",
    "claimed": "已登记",
    "given": "已发放",
    "forfeited": "已作废",
    "reserve": "候补",
    "void": "抽奖作废",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute: people write their own names."""


def _rows(winners: Sequence[dict[str, Any]]) -> list[list[str]]:
    rows = [list(_HEAD)]
    for one in winners:
        claim = one["claim"] or {}
        told = (claim.get("name", ""), claim.get("phone", ""), claim.get("address", ""))
        rows.append(
            [
                one["prize"], one["ticket"], one["name"], one["phone"], one["number"],
                _STATUS[one["status"]], one["deadline"] or "", *told,
            ]
        )  # fmt: skip
    return rows


def as_csv(winners: Sequence[dict[str, Any]]) -> bytes:
    """With the mark that Chinese spreadsheets need to see UTF-8."""
    out = io.StringIO(newline="")
    for row in _rows(winners):
        csv.writer(out).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_xlsx(winners: Sequence[dict[str, Any]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "中奖名单"
    for at, row in enumerate(_rows(winners), 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(at, column)
            cell.value = "".join(letter for letter in text if letter >= " ")
            cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
