"""Which of two files is the later one: by the server's time, or by a part of the name that the source file declares."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from connectors.spec import FileRequest, OrderByName

Rank = int
"""A higher rank is a later file; of two files with one rank nobody knows which is the later one."""

_LABEL: Final = re.compile(r"(.*) \(\d+ bytes, (\d+)(?:\.(\d{9}))?\)", re.DOTALL)
_NANOSECONDS: Final = 1_000_000_000


def label_of(name: str, size: int, modified_ns: int) -> str:
    """How a file is remembered: one put anew under the same name with another size or time has another label."""
    seconds, rest = divmod(modified_ns, _NANOSECONDS)
    return f"{name} ({size} bytes, {seconds}{f'.{rest:09d}' if rest else ''})"


def read_label(label: str) -> tuple[str, int] | None:
    """The name and the time of change in nanoseconds that a label tells; None where it is the label of no file."""
    found = _LABEL.fullmatch(label)
    return (found[1], int(found[2]) * _NANOSECONDS + int(found[3] or 0)) if found else None


def ranks(request: FileRequest, files: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Rank]:
    """The rank of each file, given as name and time of change in nanoseconds.

    Of files of one time the names decide where they differ in a number, or where one goes on behind the other
    (`loans.csv`, `loans-2.csv`). A name that the declared pattern does not fit comes before all that it fits.
    """
    order = request.order
    keyed: list[tuple[Any, tuple[str, int]]]
    if isinstance(order, OrderByName):
        keyed = sorted((_declared(order, name), (name, moment)) for name, moment in set(files))
    else:
        keyed = sorted(((moment, *_natural(name)), (name, moment)) for name, moment in set(files))
    found: dict[tuple[str, int], Rank] = {}
    rank, before = 0, None
    for key, file in keyed:
        is_later = key != before if isinstance(order, OrderByName) else _is_later(before, key)
        rank += before is not None and is_later
        found[file], before = rank, key
    return found


def fits(request: FileRequest, name: str) -> bool:
    """Whether the declared order can tell where a file of this name stands."""
    order = request.order
    return not isinstance(order, OrderByName) or re.search(order.pattern, _plain(name)) is not None


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _token(text: str | None) -> tuple[int, int, str]:
    """A part of a name that can be compared: nothing before numbers, numbers before text, numbers as numbers."""
    if not text:
        return (0, 0, "")
    return (1, int(text), "") if text.isdecimal() else (2, 0, text.casefold())


def _declared(order: OrderByName, name: str) -> tuple[tuple[int, int, str], ...]:
    found = re.search(order.pattern, _plain(name))
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
