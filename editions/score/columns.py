"""The meaning of each column of a file of values: a fact of the enterprise, an indicator, or unknown (an error)."""

from collections.abc import Sequence
from dataclasses import dataclass

from editions.score.errors import ScoreError
from editions.score.given import Given

ID_NAMES = ("uscc", "id", "code")
FACTS = ("name", "stage", "industry", "operating_revenue_cny", "founded_on", "as_of")
"""Columns beside the indicators: `industry` is the peer group; revenue and age decide a stage that is not stated."""
LONG = ("indicator_code", "value")
STATUS_SUFFIX = "__status"


@dataclass(frozen=True)
class Columns:
    """The columns of the file by meaning, with the names of the file; `is_long` means one row per value.

    `values` has for each indicator code its column, `statuses` the column with the reason for a missing value. For a
    long file they have one pair of columns under the key `""`.
    """

    id: str
    facts: dict[str, str]
    values: dict[str, str]
    statuses: dict[str, str]
    is_long: bool


def columns_of(given: Given, codes: Sequence[str], ignore: Sequence[str] = ()) -> Columns:
    """Match the columns by name, without regard to case; `ignore` names columns to leave unread.

    The id is the first of the columns `uscc`, `id` and `code`, or else the first column. A file with `indicator_code`
    and `value` is long. Raises `ScoreError` for columns that are not known.
    """
    by_fold = {name.casefold(): name for name in given.columns}
    ignored = {name.casefold() for name in ignore}
    id_column = next((by_fold[name] for name in ID_NAMES if name in by_fold), given.columns[0])
    facts = {fact: by_fold[fact] for fact in FACTS if fact in by_fold and by_fold[fact] != id_column}
    is_long = all(name in by_fold for name in LONG)
    if is_long:
        values = {"": by_fold["value"]}
        statuses = {"": by_fold["supply_status"]} if "supply_status" in by_fold else {}
    else:
        values = {code: by_fold[code.casefold()] for code in codes if code.casefold() in by_fold}
        status_of = {code: f"{code}{STATUS_SUFFIX}".casefold() for code in codes}
        statuses = {code: by_fold[name] for code, name in status_of.items() if name in by_fold and code in values}
        _require_distinct(given, codes, values, {id_column, *facts.values()})
    known = {id_column, *facts.values(), *values.values(), *statuses.values()}
    known |= {by_fold["indicator_code"]} if is_long else set()
    unknown = [name for name in given.columns if name not in known and name.casefold() not in ignored]
    if unknown:
        raise ScoreError(
            f"no indicator of the rule set, and nothing else known, is named {', '.join(map(repr, unknown))}.",
            f"{given.path}, header",
            f"fix the name, or leave the column unread: --ignore {','.join(unknown)}. Indicators: {', '.join(codes)}",
        )
    return Columns(id_column, facts, values, statuses, is_long)


def _require_distinct(given: Given, codes: Sequence[str], values: dict[str, str], taken: set[str]) -> None:
    folded = [code.casefold() for code in codes]
    alike = sorted(code for code in codes if folded.count(code.casefold()) > 1)
    both = sorted(name for name in values.values() if name in taken)
    if alike or both:
        wrong = (
            f"the codes {', '.join(alike)} differ by case only" if alike else f"{', '.join(both)} is a fact's name too"
        )
        raise ScoreError(
            f"the columns are ambiguous: {wrong}.", f"{given.path}, header", "give the values in the long form"
        )
