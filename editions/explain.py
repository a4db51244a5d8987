"""Why an enterprise has its score: its rows of the sealed tables, put together."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

# Not dataclasses: those import `inspect`, a twentieth of the time that an explanation may take.
from typing import NamedTuple

from editions.causes import causes
from editions.places import MANIFEST, edition_path, parent_of, split_path
from editions.sealed_tables import EditionUnreadableError, Row, SealedReader, SealedTables

COSTLIEST = 4
"""So many indicators are the key factors of a score, which a notice may name (`package.notice_rows`)."""


class EnterpriseUnknownError(LookupError):
    """An edition has no enterprise of that code, or its rule set no indicator of that code."""

    state = "not_found"


class Previous(NamedTuple):
    """The edition that this one followed, and what became of the enterprise since.

    `changes` are the indicators whose points differ, the largest change first; `points_then` or `points_now` is None
    where the indicator was or is not counted, which counts as 0 in `change`. `moved` says what changed: `value` and
    `stage` of the enterprise, `rule` (another rule set then), the `peers` that it is compared with, `others` (which of
    its other indicators count), or `calculation` where none of these did. `ranking` is None where it was not scored.
    `causes` is what differs between the editions, and `split` what each cause did to this enterprise (cause, points,
    score, places): None where several causes differ and no diff has separated them yet.
    """

    edition_id: str
    is_same_ruleset: bool
    ranking: Row | None
    changes: tuple[Row, ...]
    causes: tuple[str, ...] = ()
    split: tuple[Row, ...] | None = None


class Explanation(NamedTuple):
    """One enterprise in one edition. `ranking` is None, and `indicators` empty, where it was not eligible.

    Each indicator's row joins its catalogue entry (names, class), its points (value, unit, supply status, bin, points,
    maximum, weight) and its reason (points lost, Chinese and English, what would change it); under `evidence` the
    records it came from, where they were requested, and under `peers` the median of its stage, None where the edition
    has no such table. `stage` is the entry of the enterprise's stage (names and lines), None where it has none.
    `class_totals`, `verdicts` and `data_flags` are None where the edition has no such table, `previous` where there
    was no edition before or it is gone; they and `costliest` are not looked up for one indicator alone.
    """

    edition_id: str
    as_of: str
    enterprise: Row
    ranking: Row | None
    stage: Row | None
    indicators: tuple[Row, ...]
    costliest: tuple[Row, ...] = ()
    class_totals: tuple[Row, ...] | None = None
    verdicts: tuple[Row, ...] | None = None
    data_flags: tuple[Row, ...] | None = None
    previous: Previous | None = None


def explain(path: Path, uscc: str, indicator: str | None = None, *, with_records: bool = True) -> Explanation:
    """Put together all rows of one enterprise, or of one of its indicators, from an edition's sealed Parquet.

    Raises `EnterpriseUnknownError` when the code is not in the register of that edition, or the indicator not in its
    rule set, and `EditionUnreadableError` when a file of the edition is missing or damaged.
    """
    edition = path.resolve()
    manifest = _manifest(edition)
    code = uscc.strip().upper()
    with SealedReader() as reader:
        tables = reader.of(edition)
        enterprise = _enterprise(tables, edition, code)
        catalogue = {str(row["indicator_code"]): row for row in tables.needed("indicators")}
        one = {} if indicator is None else {"indicator_code": _indicator(catalogue, indicator, manifest)}
        ranking = next(iter(tables.needed("rankings", uscc=code)), None)
        lines = _indicators(tables, catalogue, ranking, one, with_records) if ranking else []
        stage = tables.first("stages", stage=str(ranking["stage"])) if ranking and ranking["stage"] else None
        found = Explanation(edition.name, str(manifest["as_of"]), enterprise, ranking, stage, tuple(lines))
        if one and not lines:
            raise EnterpriseUnknownError(
                f"{code} was not scored in edition {edition.name} ({enterprise['ineligible_reason']}), so it has "
                f"no indicators. Whose: data (the register). Next: jifen explain {code}"
            )
        if one:
            return found
        costly = [row for row in lines if row["points_lost"]]
        return found._replace(
            costliest=tuple(sorted(costly, key=lambda row: (-row["points_lost"], row["indicator_code"]))[:COSTLIEST]),
            class_totals=tables.optional("class_totals", uscc=code),
            verdicts=tables.optional("verdicts", uscc=code),
            data_flags=tables.optional("data_flags", uscc=code),
            previous=_previous(reader, edition, manifest, code, lines, ranking),
        )


def top(edition: Path, n: int) -> list[Row]:
    """The first `n` ranked enterprises of an edition, rows of `rankings` by rank and code."""
    with SealedReader() as reader:
        rows = [row for row in reader.of(edition).needed("rankings") if row["rank_overall"] is not None]
    return sorted(rows, key=lambda row: (row["rank_overall"], row["uscc"]))[:n]


def _manifest(edition: Path) -> Row:
    path = edition / MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise EditionUnreadableError(path, error, edition.name) from error
    if not isinstance(found, dict) or not {"as_of", "ruleset_id"} <= found.keys():
        raise EditionUnreadableError(path, "it is no manifest", edition.name)
    return found


def _enterprise(tables: SealedTables, edition: Path, code: str) -> Row:
    found = tables.needed("enterprises", uscc=code) if code.isalnum() and code.isascii() else []
    if found:
        return found[0]
    (counted,) = tables.needed("enterprises", columns="count(*) as held")
    raise EnterpriseUnknownError(
        f"'{code}' is none of the {counted['held']} enterprises of edition {edition.name}. Whose: data (mistyped, or "
        f"not in the science bureau's register of that day). Next: find its code by its name in "
        f"{edition / 'tables' / 'enterprises.csv'}, or name another edition: jifen edition list"
    )


def _indicator(catalogue: Iterable[str], wanted: str, manifest: Row) -> str:
    codes = sorted(catalogue)
    for code in codes:
        if code.upper() == wanted.strip().upper():
            return code
    raise EnterpriseUnknownError(
        f"'{wanted}' is no indicator of rule set {manifest['ruleset_id']}, which this edition was scored by; "
        f"there are: {', '.join(codes)}. Whose: data (mistyped). Next: jifen explain CODE --indicator {codes[0]}"
    )


def _indicators(
    tables: SealedTables, catalogue: Mapping[str, Row], ranking: Row, one: dict[str, str], with_records: bool
) -> list[Row]:
    """All indicators of an enterprise, or one, by code."""
    uscc = str(ranking["uscc"])
    reasons = {row["indicator_code"]: row for row in tables.needed("reasons", uscc=uscc, **one)}
    medians = tables.rows("peer_medians", stage=str(ranking["stage"]), **one) or ()
    peers = {row["indicator_code"]: row for row in medians}
    points = {str(row["indicator_code"]): row for row in tables.needed("points", uscc=uscc, **one)}
    lines: list[Row] = [
        {**catalogue[code], **reasons[code], **row, "peers": peers.get(code)} for code, row in sorted(points.items())
    ]
    if with_records:
        records = _records(tables, uscc, one)
        for line in lines:
            line["evidence"] = None if records is None else records.get(line["indicator_code"], [])
    return lines


def _records(tables: SealedTables, uscc: str, one: dict[str, str]) -> dict[str, list[Row]] | None:
    """The records behind each indicator, by source; levels come with the names that the rule set gives them."""
    found = tables.rows("evidence", uscc=uscc, **one)
    if found is None:
        return None
    levels = {(row["indicator_code"], row["level"]): row for row in tables.rows("levels", **one) or ()}
    records: dict[str, list[Row]] = {}
    for row in sorted(found, key=lambda row: (row["source"], row["dataset"], row["record_ref"])):
        named = levels.get((row["indicator_code"], row["level"]), {})
        row |= {"level_zh": named.get("name_zh"), "level_en": named.get("name_en")}
        records.setdefault(row["indicator_code"], []).append(row)
    return records


def _previous(
    reader: SealedReader, edition: Path, manifest: Row, code: str, lines: list[Row], ranking: Row | None
) -> Previous | None:
    """What changed since the edition that this one followed; that is the one that the gate compared it with."""
    followed = parent_of(manifest)
    path = edition_path(edition.parent.parent, followed) if followed else None
    if path is None or not (path / MANIFEST).is_file():
        return None
    tables = reader.of(path)
    then = {str(row["indicator_code"]): row for row in tables.needed("points", uscc=code)}
    now = {str(row["indicator_code"]): row for row in lines}
    before = _manifest(path)
    is_same = before["ruleset_id"] == manifest["ruleset_id"]
    pairs = [(code, then.get(code, {}), now.get(code, {})) for code in sorted(then.keys() | now.keys())]
    changes: list[Row] = [
        {
            "indicator_code": code,
            "points_then": before.get("points"),
            "points_now": after.get("points"),
            "value_then": before.get("value"),
            "value_now": after.get("value"),
            "change": (after.get("points") or Decimal(0)) - (before.get("points") or Decimal(0)),
            "moved": _moved(before, after, is_same_ruleset=is_same),
        }
        for code, before, after in pairs
        if before.get("points") != after.get("points")
    ]
    changes.sort(key=lambda row: (-abs(row["change"]), row["indicator_code"]))
    stood = next(iter(tables.needed("rankings", uscc=code)), None)
    why = tuple(cause.name for cause in causes(before, manifest)) if "inputs" in before and "inputs" in manifest else ()
    return Previous(path.name, is_same, stood, tuple(changes), why, _split(reader, path, edition, why, stood, ranking))


def _split(
    reader: SealedReader, then: Path, now: Path, why: tuple[str, ...], stood: Row | None, stands: Row | None
) -> tuple[Row, ...] | None:
    """What each cause did, by the diff of the two editions; a single cause did all of it."""
    code = str((stands or stood or {}).get("uscc"))
    found = reader.rows_of(split_path(now.parent.parent, then.name, now.name), now, uscc=code)
    if found is not None:
        return tuple(sorted(found, key=lambda row: int(row["place"])))
    if len(why) != 1 or stood is None or stands is None:
        return None
    zero = Decimal(0)
    moved = {name: (stands[column] or zero) - (stood[column] or zero) for name, column in _MOVED.items()}
    # Places move by the enterprise's own score and by those of others: only a diff separates the two.
    return ({"cause": why[0], **moved, "places": None},) if any(moved.values()) else ()


_MOVED = {"points": "points_total", "score": "score"}


def _moved(then: Row, now: Row, *, is_same_ruleset: bool) -> list[str]:
    """What changed the points of an indicator; a column that an older edition lacks counts as unchanged."""

    def differs(*columns: str) -> bool:
        return any(column in then and column in now and then[column] != now[column] for column in columns)

    if not then or not now:
        return ["calculation" if is_same_ruleset else "rule"]
    moved = ["value"] if differs("value", "supply_status") else []
    moved += ["stage"] if differs("stage") else []
    # Where the value changed too, only another weight or deduction shows that the rule changed.
    if not is_same_ruleset and (not moved or differs("weight", "deduction")):
        moved.append("rule")
    if moved:
        return moved
    if "percentile_in_peer" in (then.get("function"), now.get("function")):
        return ["peers"]
    return ["others" if differs("points_maximum", "is_counted") else "calculation"]
