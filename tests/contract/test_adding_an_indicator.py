"""An indicator is added as `docs/adding.md` says: a column and rows of the rule set. No Python, and no other model."""

import csv
import shutil
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from editions.build import build_upon
from editions.candidate import Candidate, new_candidate
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from ledger.settings import PROJECT_DIR
from tests.contract.district_night import DistrictNight

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "new-indicator"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def merge_seed(seed: Path, change: Path) -> None:
    """Put the rows of a change into a seed; a weight that stands there already is replaced."""
    changed = rows_of(change)
    keys = [name for name in ("ruleset_id", "indicator_code", "stage") if name in changed[0]]
    replaced = {tuple(row[key] for key in keys) for row in changed} if "weight" in changed[0] else set()
    kept = [row for row in rows_of(seed) if tuple(row[key] for key in keys) not in replaced]
    with seed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(changed[0]))
        writer.writeheader()
        writer.writerows([*kept, *changed])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout's models and sources, to be changed."""
    for part in ("dbt_project", "connectors/sources"):
        shutil.copytree(
            PROJECT_DIR / part, tmp_path / "checkout" / part, ignore=shutil.ignore_patterns("target", "logs")
        )
    return tmp_path / "checkout"


def built(project: Path, night: DistrictNight, folder: Path) -> Candidate:
    candidate = new_candidate(folder, "added")
    shutil.copytree(night.candidate.inputs, candidate.inputs, dirs_exist_ok=True)
    build_upon(candidate, night.as_of, project, folder / "parse", ("+points", "+rankings"))
    return candidate


def add_the_example(project: Path, *, without: str = "") -> None:
    for change in EXAMPLE.glob("*.csv"):
        if change.name != without:
            merge_seed(project / "dbt_project" / "seeds" / "rulesets" / change.name, change)
    if without != "ind_growth.sql.txt":
        model = project / "dbt_project" / "models" / "indicators" / "ind_growth.sql"
        column = (EXAMPLE / "ind_growth.sql.txt").read_text(encoding="utf-8")
        model.write_text(
            model.read_text(encoding="utf-8").replace(
                "        c10_is_undefined,\n", f"        c10_is_undefined,\n        {column}"
            )
        )


def test_a_column_and_rows_are_all_that_an_indicator_takes(project: Path, night: DistrictNight, tmp_path: Path) -> None:
    add_the_example(project)
    candidate = built(project, night, tmp_path)
    inputs = night.rows(
        "select f.uscc, operating_revenue_cny, staff_total "
        "from int_filings__latest f join int_headcounts__december h using (uscc)"
    )
    with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
        found = dict(
            connection.execute(
                "select uscc, value from points where indicator_code = 'C19' and value is not null"
            ).fetchall()
        )
        scored = connection.execute(
            "select count(*), count(points), max(points) from points where indicator_code = 'C19'"
        ).fetchone()
        (maximum,) = connection.execute("select max(points_maximum) from rankings").fetchone() or (None,)
    unit = Decimal("0.000001")
    wanted = {
        uscc: (Decimal(revenue) / (staff * 10000)).quantize(unit, ROUND_HALF_UP)
        for uscc, revenue, staff in inputs
        if revenue is not None and staff and uscc in night.truth["statuses"]
    }
    assert found == wanted
    assert scored is not None
    assert scored[:2] == (len(night.truth["eligible"]), len(wanted))
    assert 0 < scored[2] <= 3
    assert maximum == 200


@pytest.mark.parametrize(
    ("forgotten", "told"),
    [
        ("ind_growth.sql.txt", "ruleset_indicators.csv: zhongkai-2024, C19"),
        ("ruleset_inputs.csv", "ruleset_inputs.csv: zhongkai-2024, C19"),
        ("ruleset_weights.csv", "ruleset_weights.csv"),
        ("ruleset_rules.csv", "ruleset_rules.csv"),
    ],
)
def test_what_is_forgotten_is_named_before_anything_is_built(
    project: Path, tmp_path: Path, forgotten: str, told: str
) -> None:
    add_the_example(project, without=forgotten)
    found = problems_of(read_seeds(project / "dbt_project"), Place(project, tmp_path / "data"))
    assert told in {f"{one.file}: {one.row_key}"[: len(told)] for one in found}


def test_an_indicator_without_words_or_evidence_is_refused_before_anything_is_built(
    project: Path, tmp_path: Path
) -> None:
    words = ("name_en", "definition_zh", "definition_en", "unit", "unit_en", "class_zh", "class_en")
    add_the_example(project)
    for table, change in (
        ("ruleset_indicators", dict.fromkeys(words, "")),
        ("ruleset_inputs", {"source": "bank_a", "dataset": "loans"}),
    ):
        seed = project / "dbt_project" / "seeds" / "rulesets" / f"{table}.csv"
        rows = [row | change if row["indicator_code"] == "C19" else row for row in rows_of(seed)]
        with seed.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    found = problems_of(read_seeds(project / "dbt_project"), Place(project, tmp_path / "data"))
    assert {(one.file, one.row_key) for one in found} == {("ruleset_indicators.csv", "zhongkai-2024, C19")}
    told = {one.problem_en.partition(":")[0] for one in found}
    assert told == {f"{word} is empty" for word in words if word != "name_en"} | {
        "a name in both languages is needed",
        "no record stands behind it",
    }
