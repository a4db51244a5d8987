"""A rule set of the project as a folder of CSV files, or as the next one of the project's own."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

from editions.places import NAME
from editions.score.errors import ScoreError
from editions.score.ruleset import SEEDS, Row, Ruleset, known_rulesets, read_seeds, table_schemas


def export_ruleset(ruleset: Ruleset, folder: Path) -> list[str]:
    """Write the files of a rule set into a new folder; returns their names. Tables without rows are left out.

    Raises `ScoreError` where something of that name is there already.
    """
    if folder.exists():
        raise ScoreError(f"{folder.name} is there already.", str(folder), "give the name of a new folder", "usage")
    folder.mkdir(parents=True)
    written = []
    for table, schema in table_schemas().items():
        if rows := ruleset.tables[table]:
            _write_csv(folder / schema.file, schema.columns, rows)
            written.append(schema.file)
    return written


def add_version(project: Path, old: str, new: str, first_day: date) -> list[str]:
    """Copy a rule set of the project under a new id, in force from `first_day` on; returns the files that changed.

    The old one ends on the day before, where it went further. Raises `ScoreError` for an id that is taken or no plain
    name, an old one that is not there, and a first day on which the old one is not in force.
    """
    folder = project / SEEDS
    ruleset = read_seeds(project, old)
    (head,) = ruleset.tables["rulesets"]
    if not NAME.fullmatch(new) or new in {row["ruleset_id"] for row in known_rulesets(project)}:
        raise ScoreError(f"{new!r} is taken, or no plain name.", str(folder), "give another id", "usage")
    if not (head["valid_from"] or "") < first_day.isoformat() <= (head["valid_to"] or "9999-12-31"):
        days = f"from {head['valid_from']} to {head['valid_to'] or 'open'}"
        raise ScoreError(
            f"{old} is in force from {days}, not before and on {first_day}.", str(folder), "--from", "usage"
        )
    changed, held = [], read_seeds(project).tables
    for table, added in ruleset.tables.items():
        if not added:
            continue
        rows = list(held[table])
        copies = [{**row, "ruleset_id": new} for row in added]
        if table == "rulesets":
            last_day = (first_day - timedelta(days=1)).isoformat()
            rows = [{**row, "valid_to": last_day} if row["ruleset_id"] == old else row for row in rows]
            copies = [{**row, "valid_from": first_day.isoformat()} for row in copies]
        _write_csv(folder / f"{table}.csv", list(added[0]), [*rows, *copies])
        changed.append(f"{table}.csv")
    return changed


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row[column] or "" for column in columns] for row in rows)
