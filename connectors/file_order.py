"""Which of two files is the later one: by the server's time, or by a part of the name that the source file declares."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from connectors.spec import FileRequest, OrderByName
from ledger.store import Row

Rank = int
"""A higher rank is a later file; of two files with one rank nobody knows which is the later one."""

File = tuple[str, tuple[int, ...]]
"""Its name, and its time of change as something that can be compared."""

AGES = pa.schema(
    [
        pa.field("_batch", pa.string()),
        pa.field("_sequence", pa.int32()),
        pa.field("_age", pa.int64()),
        pa.field("_moment", pa.int64()),
    ]
)
"""For a page its rank, and the time of change where it is that which decides."""

_LABEL: Final = re.compile(r"(.*) \(\d+ bytes, (\d+)(?:\.(\d{9}))?\)", re.DOTALL)
_NANOSECONDS: Final = 1_000_000_000


def label_of(name: str, size: int, modified_ns: int) -> str:
    """How a file is remembered: one put anew under the same name with another size or time has another label."""
    seconds, rest = divmod(modified_ns, _NANOSECONDS)
    return f"{name} ({size} bytes, {seconds}{f'.{rest:09d}' if rest else ''})"


def ages(request: FileRequest, pages: Sequence[Row]) -> pa.Table:
    """The rank of each page among all that were ever fetched of a dataset, given in the order they came, as `AGES`.

    A time that lies ahead of the fetch counts as that of the fetch: a server whose clock once was wrong must not hold
    against every later correction. The same bytes again under the same name are as old as before: copying a folder to
    another machine gives all its files new times, in any order.
    """
    fetched: dict[str, int] = {}
    for page in pages:
        moment = int(datetime.fromisoformat(page["fetched_at"]).timestamp() * _NANOSECONDS)
        fetched[page["batch"]] = max(moment, fetched.get(page["batch"], 0))
    told: dict[tuple[str, int], File] = {}
    last: dict[str, tuple[str, File]] = {}
    for page in pages:
        if found := _LABEL.fullmatch(page["label"]):
            moment = int(found[2]) * _NANOSECONDS + int(found[3] or 0)
            file: File = (found[1], (min(moment, fetched[page["batch"]]), moment))
            sha256, before = last.get(found[1], ("", file))
            told[page["batch"], page["sequence"]] = before if sha256 == page["raw_sha256"] else file
            last[found[1]] = (page["raw_sha256"], told[page["batch"], page["sequence"]])
    rank = ranks(request, told.values())
    by_time = not isinstance(request.order, OrderByName)
    rows = [(*place, rank[file], file[1][1] if by_time else None) for place, file in told.items()]
    columns: list[Any] = [list(one) for one in zip(*rows, strict=True)] or [[], [], [], []]
    return pa.table(columns, schema=AGES)


def ranks(request: FileRequest, files: Iterable[File]) -> dict[File, Rank]:
    """The rank of each file.

    Of files of one time the names decide where they differ in a number, or where one goes on behind the other
    (`loans.csv`, `loans-2.csv`). A name that the declared pattern does not fit comes before all that it fits.
    """
    order = request.order
    keyed: list[tuple[Any, File]]
    if isinstance(order, OrderByName):
        keyed = sorted((_declared(order, name), (name, moment)) for name, moment in set(files))
    else:
        keyed = sorted(((moment, *_natural(name)), (name, moment)) for name, moment in set(files))
    found: dict[File, Rank] = {}
    rank, before = 0, None
    for key, file in keyed:
        is_later = key != before if isinstance(order, OrderByName) else _is_later(before, key)
        rank += before is not None and is_later
        found[file], before = rank, key
    return found


def fits(request: FileRequest, name: str) -> bool:
    """Whether the declared order can tell where a file of this name stands."""
    order = request.order
    return not isinstance(order, OrderByName) or re.search(order.pattern, _plain(name), re.IGNORECASE) is not None


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _token(text: str | None) -> tuple[int, int, str]:
    """A part of a name that can be compared: nothing before numbers, numbers before text, numbers as numbers."""
    if not text:
        return (0, 0, "")
    return (1, int(text), "") if text.isdecimal() else (2, 0, text.casefold())


def _declared(order: OrderByName, name: str) -> tuple[tuple[int, int, str], ...]:
    found = re.search(order.pattern, _plain(name), re.IGNORECASE)
    return tuple(_token(part) for part in found.groups()) if found else ()


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    stem, dot, _ = _plain(name).rpartition(".")
    return tuple(_token(part) for part in re.split(r"(\d+)", stem if dot else _plain(name)) if part)


def _is_later(before: tuple[Any, ...] | None, key: tuple[Any, ...]) -> bool:
    """Whether `key` (time, then the parts of the name) is later than the one sorted before it, beyond doubt."""
    if before is None or before[0] != key[0]:
        return True
    for place, (one, other) in enumerate(zip(before[1:], key[1:], strict=False), start=1):
        if one != other:
            goes_on = place == len(before) - 1 and one[2] != "" and other[2].startswith(one[2])
            return bool(one[0] == other[0] == 1) or goes_on
    return len(key) > len(before)
