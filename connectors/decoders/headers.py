"""Names of columns, the same in every tabular form: what a person does not see is no part of a name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.decoders.chunk import MAX_FIELDS
from connectors.decoders.form import CALL, FormError
from connectors.spec import DAYS, NUMBERS, Column
from ledger.hand_made import MISSING_WORDS, NO_RECORD, clean

_UNIT = re.compile(r"(?:^|[\s(（,，;；:：])(?:金额|计量|货币)?单位\s*[:：]\s*(?:人民币)?([^\s)）]*)")
MONEY = ("元", "千元", "万元", "百万元", "千万元", "亿元")
"""The units of money that tables and records state."""
_UNIT_CELL = re.compile(rf"\(?(?:单位:)?({'|'.join(MONEY)})\)?")
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")
_BEGINS_AS_FIGURE = re.compile(r"[-+]?\d")
_FIGURE, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_SAMPLE = 20
_ONE_TABLE = "ask the agency for one table a file, or declare ends_at above the second"


def named(header: Sequence[str], claimed: AbstractSet[str], if_twice: str = CALL) -> list[str]:
    """The names of all columns, each different: those of the source file where they are the same once cleaned.

    A column without a name is called by its place, such as `(1)`: so it is reported as a field that the source file
    does not claim, and not lost.
    """
    if len(header) > MAX_FIELDS:
        raise FormError(f"has {len(header)} headers, more than {MAX_FIELDS}.")
    known = {clean(field): field for field in sorted(claimed)}
    cleaned = [clean(name) for name in header]
    if not any(cleaned):
        raise FormError("has no header line: its first line names nothing.", f"{CALL}, or declare header_row")
    names = [known.get(name, name) or f"({place})" for place, name in enumerate(cleaned, start=1)]
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise FormError(f"has the same header twice: {twice[:60]!r}.", if_twice)
    return names


def stated_unit(above: Iterable[str], claimed: Mapping[str, Column]) -> tuple[str, ...]:
    """The unit of money that the titles above a header state (单位：万元), as a note where no column declares one.

    Raises a `FormError` where columns declare another: their amounts would be wrong by a power of ten. A column whose
    field names its unit has that; where one declares the stated unit, the others are declared apart from it on purpose.
    """
    words = {one for text in above for found in _UNIT.findall(text) for one in re.split("[、,，/;；和]", found)}
    amounts = (one for one in claimed.values() if one.kind == "decimal" and one.unit != "%")
    columns = [one for one in amounts if "元" not in one.source_field]
    if not (money := words & {*MONEY}) or not columns:
        return ()
    if not any(one.unit in money for one in columns):
        _refuse_other_unit((one for one in columns if one.unit), money, "above the header")
    return () if any(one.unit for one in columns) else tuple(f"stated_unit:{one}" for one in sorted(money - {"元"}))


def unit_row(record: Mapping[str, Any], claimed: Mapping[str, Column]) -> tuple[str, ...]:
    """The same for the first row below a header, in which units may stand under the names: （万元）."""
    units = {name: found[1] for name, cell in record.items() if (found := _UNIT_CELL.fullmatch(clean(str(cell or ""))))}
    columns = [claimed[name] for name in units.keys() & claimed.keys() if claimed[name].kind == "decimal"]
    for column in columns:
        stated = units[column.source_field]
        _refuse_other_unit([column] if column.unit not in (None, stated) else [], {stated}, "below the header")
    undeclared = {units[column.source_field] for column in columns if column.unit is None}
    return tuple(f"stated_unit:{one}" for one in sorted(undeclared - {"元"}))


def _refuse_other_unit(columns: Iterable[Column], stated: AbstractSet[str], where: str) -> None:
    for column in columns:
        declared = f"{column.source_field} is declared in {column.unit}"
        what = f"states its amounts in {'、'.join(sorted(stated))} {where}; {declared}."
        raise FormError(what, "ask the agency which of the two it is; `unit` of the column says it")


def beginning_with(words: Sequence[str]) -> re.Pattern[str] | None:
    """What finds a cell that begins with one of these words, blanks within it or not; None without words."""
    spelled = (r"\s*".join("[:：]" if sign == ":" else re.escape(sign) for sign in clean(word)) for word in words)
    return re.compile(rf"\s*(?:{'|'.join(spelled)})") if words else None


def refuse_second(names: Sequence[str], columns: Mapping[str, Sequence[Any]], positions: Sequence[int]) -> None:
    """Raise a `FormError` for a second header with other names: the rows below it have other columns.

    A record may hold the name of a column; a header names several, none twice, and no number. The same header again is
    no record, and changes nothing.
    """
    known = {one for name in names for one in (name, clean(name)) if len(name) > 1 and not name.isdecimal()}
    hits = {
        at for held in columns.values() if not known.isdisjoint(held) for at in range(len(held)) if held[at] in known
    }
    for at in sorted(hits):
        row = {name: clean(text) for name, held in columns.items() if (text := str(held[at] or "")).strip()}
        texts = set(row.values())
        # Half of the cells, and two at least: one cell may well be a value that reads like the name of a column.
        is_header = (
            len(texts) == len(row)
            and 2 * len(texts & known) >= max(4, len(row))
            and not any(map(_NUMBER.fullmatch, texts))
        )
        if is_header and any(clean(name) != text for name, text in row.items()):
            what = f"row {positions[at]} below the header names the columns anew: {' '.join(row.values())[:60]!r}."
            raise FormError(what, _ONE_TABLE)
    _refuse_other_table(columns, positions)


def _refuse_other_table(columns: Mapping[str, Sequence[Any]], positions: Sequence[int]) -> None:
    """Raise a `FormError` for the header of another table: words alone where figures stand above and below.

    The same header in other letters is no other table, and a note or signature is no header; nor is a row with some
    texts that other rows have in their columns (软件业): a record whose figures are words (注销).
    """
    held = list(columns.values())
    figures = [one for one in held if sum(not _FIGURE.search(str(text)) for text in one[:_SAMPLE]) <= 1][:2]
    if len(figures) < 2:
        return
    first, second = figures
    for at in [at for at, text in enumerate(first) if text and not _FIGURE.search(str(text))]:
        is_worded = second[at] and not _FIGURE.search(str(second[at]))
        if not is_worded or not 0 < at < len(positions) - 1 or not _FIGURE.search(f"{first[at + 1]}{second[at + 1]}"):
            continue
        filled = [one for one in held if clean(str(one[at] or ""))]
        texts, again = [clean(str(one[at])) for one in filled], [list(one).count(one[at]) > 1 for one in filled]
        is_header = len(set(texts)) == len(texts) >= max(3, len(held) / 2) and not any(map(_is_no_name, texts))
        is_header = is_header and (all(again) or not any(again))
        is_same = {text.casefold() for text in texts} <= {clean(name).casefold() for name in columns}
        if is_header and not is_same and not pc.any(pc.match_substring_regex(pa.array(texts), NO_RECORD)).as_py():
            what = f"row {positions[at]} below the header is the header of another table: {' '.join(texts)[:60]!r}."
            raise FormError(what, _ONE_TABLE)


def _is_no_name(text: str) -> bool:
    return not _LETTER.search(text) or bool(_FIGURE.search(text)) or text in MISSING_WORDS


def is_like_a_record(row: Mapping[str, Any], claimed: Mapping[str, Column]) -> bool:
    """Whether a row below the declared end of a table has what a record needs, and a figure wherever one belongs."""
    held = {name: clean(str("" if (value := row.get(name)) is None else value)) for name in claimed}
    figures = [text for name, text in held.items() if text and claimed[name].kind in (*NUMBERS, *DAYS)]
    is_whole = all(text for name, text in held.items() if claimed[name].required)
    if not is_whole or not figures or not all(map(_BEGINS_AS_FIGURE.match, figures)):
        return False
    return not pc.any(pc.match_substring_regex(pa.array([*held.values()]), NO_RECORD)).as_py()


def refuse_total_on_top(word: re.Pattern[str], width: int, rows: Sequence[Sequence[str]]) -> None:
    """Raise a `FormError` where records come below a table that ends with its first row: the total stands on top.

    Of `rows`, those below the end, a note or a signature fills but a few cells; further totals begin with the word too.
    """
    for row in rows:
        filled = [text for text in row if text.strip()]
        if filled and not word.match(filled[0]) and len(filled) >= max(2, width / 2):
            what = f"the first row below the header ends the table, and records stand below it: {filled[0][:60]!r}."
            raise FormError(what, "ask the agency for the total below the records, or take its word out of ends_at")
