"""A list from outside (CSV, XLSX): read whole, judged line by line, taken whole or not at all. Pure."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from openpyxl import load_workbook

MAX_ROWS = 200_000
"""The transcript of so many stays below what one document of the database holds."""
MAX_UNPACKED = 300 * 1024 * 1024
"""An XLSX is a ZIP: what it says it becomes is looked at before it is unpacked."""
MAX_PROBLEMS = 200
"""Lines reported; the rest is counted."""
_LONGEST = 100

COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("number", "发票号码", "号码", "编号", "序号", "票号", "id"),
    "holder": ("holder", "持有人", "姓名", "购买方", "name"),
    "phone": ("phone", "手机", "手机号", "电话", "联系电话"),
    "merchant": ("merchant", "商户", "销售方", "商家"),
    "amount": ("amount", "金额", "价税合计"),
    "date": ("date", "日期", "开票日期"),
}


@dataclass(frozen=True, slots=True)
class Row:
    number: str
    holder: str
    phone: str = ""
    merchant: str = ""
    amount: int = 0
    """Fen."""
    date: str = ""

    @property
    def whose(self) -> str:
        """One person, as far as a list can tell: by phone, or else by name; a row without either is its own."""
        return self.phone or self.holder or self.number


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int
    """As a spreadsheet counts: the heading is line 1."""
    code: str
    field: str
    value: str


@dataclass(slots=True)
class Read:
    rows: list[Row] = field(default_factory=list)
    problems: list[BadRow] = field(default_factory=list)
    problem_count: int = 0
    lines: int = 0

    def wrong(self, line: int, code: str, name: str, value: str) -> None:
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(BadRow(line, code, name, value[:_LONGEST]))


class Unreadable(Exception):
    """No list at all; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read(data: bytes, *, per_person: int = 0, per_merchant: int = 0) -> Read:
    """Every row, or what is wrong with each bad one. Caps of 0 do not count. Raises Unreadable."""
    lines = _xlsx(data) if data[:4] == b"PK\x03\x04" else _csv(data)
    try:
        return _judged(lines, per_person, per_merchant)
    except Unreadable:
        raise
    except Exception as error:
        # openpyxl and csv raise anything at all on broken files
        raise Unreadable("unreadable_list") from error


def _judged(lines: Iterator[tuple[int, list[str]]], per_person: int, per_merchant: int) -> Read:
    heading = next(lines, None)
    if heading is None:
        raise Unreadable("empty_list")
    places = _places(heading[1])
    found, seen = Read(), dict[str, int]()
    people, merchants = Counter[str](), Counter[str]()
    for line, cells in lines:
        if not any(cells):
            continue
        found.lines += 1
        if found.lines > MAX_ROWS:
            raise Unreadable("list_too_long")
        values = {name: cells[at] if at < len(cells) else "" for name, at in places.items()}
        row = _row(found, line, values)
        if row is None:
            continue
        if row.number in seen:
            found.wrong(line, "duplicate", "number", f"{row.number} = {seen[row.number]}")
            continue
        seen[row.number] = line
        people[row.whose] += 1
        if per_person and people[row.whose] > per_person:
            found.wrong(line, "person_cap", "holder", row.holder)
            continue
        if row.merchant:
            merchants[row.merchant] += 1
        if per_merchant and merchants[row.merchant] > per_merchant:
            found.wrong(line, "merchant_cap", "merchant", row.merchant)
            continue
        found.rows.append(row)
    if not found.lines:
        raise Unreadable("empty_list")
    return found


def _places(heading: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in heading]
    places = {}
    for name, spellings in COLUMNS.items():
        at = next((index for index, cell in enumerate(names) if cell in spellings), None)
        if at is not None:
            places[name] = at
    if "number" not in places:
        raise Unreadable("no_number_column")
    return places


def _row(found: Read, line: int, values: dict[str, str]) -> Row | None:
    number = values["number"]
    if not number:
        found.wrong(line, "missing", "number", "")
        return None
    for name, value in values.items():
        if len(value) > _LONGEST:
            found.wrong(line, "too_long", name, value)
            return None
    phone = re.sub(r"[\s-]", "", values.get("phone", ""))
    if phone and not re.fullmatch(r"\+?\d{5,15}", phone):
        found.wrong(line, "bad_phone", "phone", phone)
        return None
    amount = _fen(values.get("amount", ""))
    if amount is None:
        found.wrong(line, "bad_amount", "amount", values["amount"])
        return None
    day = _day(values.get("date", ""))
    if day is None:
        found.wrong(line, "bad_date", "date", values["date"])
        return None
    return Row(number, values.get("holder", ""), phone, values.get("merchant", ""), amount, day)


def _fen(text: str) -> int | None:
    text = text.replace(",", "").replace("¥", "").replace("￥", "").strip()
    if not text:
        return 0
    try:
        amount = Decimal(text)
        if not amount.is_finite() or not 0 <= amount < 10**10 or amount * 100 != int(amount * 100):
            return None
    except InvalidOperation:
        return None
    return int(amount * 100)


def _day(text: str) -> str | None:
    text = text.strip()
    if not text:
        return ""
    parts = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})日?([ T].*)?", text)
    if parts is None:
        return None
    try:
        return date(int(parts[1]), int(parts[2]), int(parts[3])).isoformat()
    except ValueError:
        return None


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """UTF-8 with or without a mark, or what Chinese spreadsheets write: GB 18030."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise Unreadable("unreadable_list") from None
    if "\0" in text:
        raise Unreadable("unreadable_list")
    reader = csv.reader(io.StringIO(text, newline=""))
    for cells in reader:
        yield reader.line_num, [cell.strip() for cell in cells]


def _xlsx(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise Unreadable("list_too_long")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Unreadable:
        raise
    except Exception as error:  # zipfile and openpyxl raise anything at all on broken files
        raise Unreadable("unreadable_list") from error
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        rows: Iterable[tuple[object, ...]] = sheet.iter_rows(values_only=True) if sheet is not None else ()
        for line, cells in enumerate(rows, 1):
            yield line, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
