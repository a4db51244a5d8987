"""Names of columns, the same way in every tabular form: what a person cannot see or tell apart is no part of a name."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from connectors.decoders.transpose import MAX_FIELDS
from connectors.errors import DataError
from ledger.hand_made import clean

_CALL = "call the agency with this file"


def named(header: Sequence[str], claimed: AbstractSet[str], where: str) -> list[str]:
    """The names of all columns, each different: those of the source file where they are the same once cleaned.

    A column that nobody named is called by its place, such as `(1)`: thus it is reported as a field that the source
    file does not claim, and not lost.
    """
    if len(header) > MAX_FIELDS:
        raise DataError(f"has {len(header)} headers, more than {MAX_FIELDS}.", where, _CALL)
    known = {clean(field): field for field in sorted(claimed)}
    cleaned = [clean(name) for name in header]
    if not any(cleaned):
        raise DataError("has no header line: its first line names nothing.", where, f"{_CALL}, or declare header_row")
    names = [known.get(name, name) or f"({place})" for place, name in enumerate(cleaned, start=1)]
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"has the same header twice: {twice[:60]!r}.", where, _CALL)
    return names


def beginning_with(words: Sequence[str]) -> re.Pattern[str] | None:
    """What finds a cell that begins with one of these words, blanks within it or not; None without words."""
    spelled = (r"\s*".join("[:：]" if sign == ":" else re.escape(sign) for sign in clean(word)) for word in words)
    return re.compile(rf"\s*(?:{'|'.join(spelled)})") if words else None
