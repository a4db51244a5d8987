"""Which cells of a sheet lie under a merged cell that begins elsewhere: they hold nothing of their own."""

import re
from dataclasses import dataclass, field

from openpyxl.utils.cell import column_index_from_string

from connectors.errors import DataError

MAX_COVERED = 500_000
"""The most cells that merged cells may cover: each one is held in memory."""

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_ROW = 100_000

Place = tuple[int, int]


@dataclass(frozen=True)
class Merges:
    """Covered cells of the header with the cell that counts for them, and covered cells below it."""

    header: dict[Place, Place]
    below: set[int] = field(default_factory=set)

    def __contains__(self, place: Place) -> bool:
        return bool(self.below) and place[0] * _ROW + place[1] in self.below


def read_merges(sheet: bytes, first: int, last: int, where: str) -> Merges:
    """All merged cells of a sheet whose header stands in rows `first` to `last`.

    They stand behind the rows, so they are looked for in the bytes, whose encoding must be known for that: a sheet in
    UTF-16, as no program writes it, is refused.
    """
    if sheet[:2] in (b"\xff\xfe", b"\xfe\xff") or sheet[:2].count(0):
        raise DataError("has a sheet that is not in UTF-8.", where, "call the agency with this file")
    found = Merges({})
    covered = 0
    for match in _MERGED.finditer(sheet):
        left, right = (column_index_from_string(letters.decode()) for letters in match.group(1, 3))
        top, bottom = int(match[2]), int(match[4])
        covered += max(0, bottom - top + 1) * max(0, right - left + 1)
        if covered > MAX_COVERED:
            what = f"has merged cells over more than {MAX_COVERED} cells."
            raise DataError(what, where, "ask the agency for a sheet without merged cells below the header")
        for row in range(max(top, first), bottom + 1):
            for column in range(left, right + 1):
                if row <= last:
                    found.header[row, column] = (top, left)
                elif (row, column) != (top, left):
                    found.below.add(row * _ROW + column)
    return found
