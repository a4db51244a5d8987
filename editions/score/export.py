"""A rule set of the project as a folder of CSV files."""

import csv
from pathlib import Path

from editions.score.errors import ScoreError
from editions.score.ruleset import Ruleset, folder_layout


def export_ruleset(ruleset: Ruleset, folder: Path) -> list[str]:
    """Write the files of a rule set into a new folder; answers their names. Tables without rows are left out.

    Raises `ScoreError` where something of that name is there already.
    """
    if folder.exists():
        raise ScoreError(f"{folder.name} is there already.", str(folder), "give the name of a new folder", "usage")
    folder.mkdir(parents=True)
    written = []
    for table, part in folder_layout().items():
        rows = ruleset.tables[table]
        if rows:
            with (folder / part["file"]).open("w", encoding="utf-8", newline="") as handle:
                writer = csv.writer(handle, lineterminator="\n")
                writer.writerow(part["columns"])
                writer.writerows([row[column] or "" for column in part["columns"]] for row in rows)
            written.append(str(part["file"]))
    return written
