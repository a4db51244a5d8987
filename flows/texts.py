"""Texts for a terminal without rich: JSON, and tables of plain lines, where a twentieth of a second matters."""

import json
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

WIDE = ("W", "F")


def json_text(value: Any) -> str:
    """A value as JSON, with each character that a terminal would obey or cannot show written as its escape."""
    lines = json.dumps(value, default=_plain, ensure_ascii=False, indent=2).split("\n")
    return "\n".join(line if line.isprintable() else "".join(map(_escaped, line)) for line in lines)


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (set, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON here")


def visible(text: Any) -> str:
    """A text from outside without any character that would move a terminal's cursor; an end of line stays."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in str(text))


def one_line(text: Any) -> str:
    """The same on one line, and nothing at all for what is not there."""
    return "" if text is None else visible(text).replace("\n", " ")


def plain(number: Decimal) -> str:
    """A number without the zeros that say nothing."""
    return f"{number.normalize():f}"


def lined_up(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table as lines, each column as wide as its widest cell; a Chinese character is two wide."""
    cells = [[one_line(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def padded(text: str, width: int) -> str:
    """A text filled with blanks up to this width."""
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in WIDE else 1 for character in text)
