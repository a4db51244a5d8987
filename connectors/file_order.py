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
"""A higher rank is a later file; which of two files with one rank is later is not known."""

File = tuple[str, tuple[int, ...]]
"""Its name, and its time of change as something that can be compared."""

AGES = pa.schema({"_batch": pa.string(), "_sequence": pa.int32(), "_age": pa.int64(), "_moment": pa.int64()})
"""What `ranked` says of pages."""

_LABEL: Final = re.compile(r"(.*) \(\d+ bytes, (\d+)(?:\.(\d{9}))?\)", re.DOTALL)
_NANOSECONDS: Final = 1_000_000_000
_DAY_FIRST: Final = re.compile(r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d")
_BEGINS_WITH_YEAR: Final = re.compile(r"(19|20)\d\d\d{1,4}")
_YEAR_FIRST: Final = re.compile(r"(19|20)\d\d(\d\d){0,2}")


def label_of(name: str, size: int, modified_ns: int) -> str:
    """How a file is remembered: one put anew under the same name with another size or time has another label."""
    seconds, rest = divmod(modified_ns, _NANOSECONDS)
    return f"{name} ({size} bytes, {seconds}{f'.{rest:09d}' if rest else ''})"


def name_of(label: str) -> str:
    """The name of a file in its label."""
    return label.rpartition(" (")[0]


def ages(request: FileRequest, pages: Sequence[Row]) -> pa.Table:
    """What `ranked` says of each page, as `AGES`."""
    rows = [(*place, *found) for place, found in ranked(request, pages).items()]
    columns: list[Any] = [list(one) for one in zip(*rows, strict=True)] or [[], [], [], []]
    return pa.table(columns, schema=AGES)


def ranked(request: FileRequest, pages: Sequence[Row]) -> dict[tuple[str, int], tuple[Rank, int | None]]:
    """By batch and sequence the rank of each page among all that were ever fetched of a dataset, as they came.

    Beside it the time of change, where it is that which decides.

    A time that lies ahead of the fetch counts as that of the fetch: a server whose clock once was wrong must not hold
    against every later correction. The same bytes again under the same name are as old as before: copying a folder to
    another machine gives all its files new times, in any order. Other bytes under the same name were put in the place
    of those before, and are no older than they were: programs that copy may keep the time at which a file was saved.
    """
    fetched: dict[str, int] = {}
    for page in pages:
        moment = int(datetime.fromisoformat(page["fetched_at"]).timestamp() * _NANOSECONDS)
        fetched[page["batch"]] = max(moment, fetched.get(page["batch"], 0))
    file_of: dict[tuple[str, int], File] = {}
    last: dict[str, tuple[str, File]] = {}
    for page in pages:
        if found := _LABEL.fullmatch(page["label"]):
            moment = int(found[2]) * _NANOSECONDS + int(found[3] or 0)
            file: File = (found[1], (min(moment, fetched[page["batch"]]), moment))
            sha256, before = last.get(found[1], ("", file))
            file_of[page["batch"], page["sequence"]] = before if sha256 == page["raw_sha256"] else max(file, before)
            last[found[1]] = (page["raw_sha256"], file_of[page["batch"], page["sequence"]])
    rank = ranks(request, file_of.values())
    by_time = not isinstance(request.order, OrderByName)
    return {place: (rank[file], file[1][1] if by_time else None) for place, file in file_of.items()}


def ranks(request: FileRequest, files: Iterable[File]) -> dict[File, Rank]:
    """The rank of each file.

    Of files of one time the names decide where they differ in a number (`rises`), or where one goes on behind the other
    (`loans.csv`, `loans-2.csv`). A name that the declared pattern does not fit comes before all that it fits.
    """
    if isinstance(order := request.order, OrderByName):
        declared = {file: _declared(order, file[0]) for file in files}
        places = {key: rank for rank, key in enumerate(sorted(set(declared.values())))}
        return {file: places[key] for file, key in declared.items()}
    groups: list[list[tuple[Any, File]]] = []
    for key, file in sorted(((moment, *_natural(name)), (name, moment)) for name, moment in set(files)):
        group = [(key, file)]
        if groups and not _is_later(groups[-1][-1][0], key):
            group = groups.pop() + group
        while groups and any(_is_in_doubt(before, key) for before, _ in groups[-1]):
            group = groups.pop() + group
        groups.append(group)
    return {file: rank for rank, group in enumerate(groups) for _, file in group}


def rises(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether the figures of two names of one form tell beyond doubt that the second is the later one.

    The first that differ decide where a year leads; else all that differ must rise: 31-01-2025 is not after 28-02-2025.
    Nor do two figures that are days with the year last (31012025), or with months of one and of two digits (20251).
    """
    pairs = list(zip(before, after, strict=True))
    if any(one != other and _are_days_in_doubt(str(one), str(other)) for one, other in pairs):
        return False
    apart = [place for place, (one, other) in enumerate(pairs) if one != other]
    if apart and any(all(_YEAR_FIRST.fullmatch(str(figure)) for figure in pair) for pair in pairs[: apart[0] + 1]):
        apart = apart[:1]
    return bool(apart) and all(pairs[place][0] < pairs[place][1] for place in apart)


def _are_days_in_doubt(one: str, other: str) -> bool:
    if _DAY_FIRST.fullmatch(one.zfill(8)) and _DAY_FIRST.fullmatch(other.zfill(8)):
        return True
    return len(one) != len(other) and all(_BEGINS_WITH_YEAR.fullmatch(figure) for figure in (one, other))


def fits(request: FileRequest, name: str) -> bool:
    """Whether the declared order can tell where a file of this name stands."""
    order = request.order
    return not isinstance(order, OrderByName) or re.search(order.pattern, _plain(name), re.IGNORECASE) is not None


def missing_numbers(order: OrderByName, names: Iterable[str]) -> list[int]:
    """The numbers between those of these names that none of them has."""
    numbers = {found for name in names for _, found, _ in _declared(order, name)[-1:]}
    # 0 is the number of a part that holds none (`_token`).
    return sorted({*range(min(numbers, default=0), max(numbers, default=0))} - numbers - {0})


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


def _is_later(before: tuple[Any, ...], key: tuple[Any, ...]) -> bool:
    """Whether `key` (time, then the parts of the name) is later than the one sorted before it, beyond doubt."""
    if before[0] != key[0]:
        return True
    for place, (one, other) in enumerate(zip(before[1:], key[1:], strict=False), start=1):
        if one != other:
            goes_on = place == len(before) - 1 and one[2] != "" and other[2].startswith(one[2])
            return rises(*_figures(before, key)) if one[0] == other[0] == 1 else goes_on
    return len(key) > len(before)


def _is_in_doubt(before: tuple[Any, ...], key: tuple[Any, ...]) -> bool:
    """Whether two names of one time and form differ in figures that disagree."""
    if before[0] != key[0] or len(before) != len(key):
        return False
    is_form = all(one == other or one[0] == other[0] == 1 for one, other in zip(before[1:], key[1:], strict=True))
    return is_form and not rises(*_figures(before, key))


def _figures(before: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[list[int], list[int]]:
    pairs = [(one[1], other[1]) for one, other in zip(before[1:], key[1:], strict=False) if one[0] == other[0] == 1]
    return [one for one, _ in pairs], [other for _, other in pairs]
