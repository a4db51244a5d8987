"""Texts for a terminal without rich: JSON, and tables of plain lines, where a twentieth of a second matters."""

import json
import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WIDE = ("W", "F")
CALLED_AS = "JIFEN_CALLED_AS"
"""The variable that a demo sets so that printed commands, those of its night too, name its folder."""


def json_text(value: Any) -> str:
    """A value as JSON, with each character that a terminal would obey or cannot show written as its escape."""
    shows_all = (sys.stdout.encoding or "").lower().startswith("utf")
    lines = json.dumps(value, default=_plain, ensure_ascii=not shows_all, indent=2).split("\n")
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
    """The same on one line; empty for None."""
    return "" if text is None else visible(text).replace("\n", " ")


_WORDS = (
    "run|runs|status|explain|score|simulate|edition|source|quarantine|identity|returns|ruleset|programme|sandbox|demo|"
    "backup|restore|retention|backfill|deliveries|deploy|doctor|key|ledger|objection|outbox|override|publicity|recall|receive|sink"
)
"""Every command; `tests/unit/test_shown_for_people.py` compares them with those that there are."""
_COMMAND = re.compile(rf"(?<![\w./'-])jifen (?=(?:{_WORDS})\b)")


def pasteable(text: str, words: Sequence[str] | None = None) -> str:
    """A text whose `jifen` commands can be pasted as they stand: by the path and the --data-dir of this very call.

    `words` are those of the call with the program's name, sys.argv otherwise. A demo sets JIFEN_CALLED_AS.
    """
    called = os.environ.get(CALLED_AS) if words is None else None
    prefix = (called or called_as(sys.argv if words is None else words)) + " "
    return _COMMAND.sub(lambda _: prefix, text)


def called_as(words: Sequence[str]) -> str:
    """The first words of a call like this one: the program by its path, and the data folder."""
    program, *rest = words
    called = [program if program.endswith("/jifen") and not _is_on_path(program) else "jifen"]
    if rest and rest[0] == "--data-dir":
        called += rest[:2]
    elif rest and rest[0].startswith("--data-dir="):
        called.append(rest[0])
    return shlex.join(called)


def _is_on_path(program: str) -> bool:
    import shutil

    found = shutil.which("jifen")
    return found is not None and Path(found).samefile(program)


def local(moment: str, zone: "ZoneInfo") -> str:
    """A moment of the ledger in the zone's own time."""
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def counted(count: int, noun: str) -> str:
    """A number and its noun, which has an s unless there is one: "1 problem", "2 problems"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain(number: Decimal) -> str:
    """A number without trailing zeros."""
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
