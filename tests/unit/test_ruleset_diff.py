"""A rule set that an edition was published under is frozen by what it says, not by how its files are written."""

import csv
import json
import shutil
from datetime import date

import pytest
from typer.testing import CliRunner

from cli import ruleset as cli_ruleset
from cli.app import app
from editions.ruleset_diff import content_of, content_sha256, differences, moved
from editions.score.errors import ScoreError
from editions.score.export import add_version, export_ruleset
from editions.score.ruleset import read_folder, read_seeds
from editions.score.run import Place
from ledger.publications import publish, published_rulesets
from ledger.runs import start_run
from ledger.settings import PROJECT_DIR

ID = "zhongkai-2024"


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "dbt_project"
    (root / "seeds").mkdir(parents=True)
    shutil.copy(PROJECT_DIR / "dbt_project" / "dbt_project.yml", root)
    shutil.copytree(PROJECT_DIR / "dbt_project" / "seeds" / "rulesets", root / "seeds" / "rulesets")
    return root


def edit(project, table, change, ruleset_id=ID):
    """Let `change` have each row of a rule set: it answers the rows that take its place."""
    path = project / "seeds" / "rulesets" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerows(change(dict(row)) if row["ruleset_id"] == ruleset_id else [row])


def published_under(ledger, project, ruleset_id=ID, edition_id="2025-06-30-abc"):
    content = content_of(read_seeds(project, ruleset_id), project)
    row = {"edition_id": edition_id, "as_of": "2025-06-30", "ruleset_id": ruleset_id}
    row |= {"recipe_sha256": "r", "manifest_sha256": "m"}
    run_id = start_run(ledger, date(2025, 6, 30), "plain")
    publish(ledger, row, run_id, None, [], [], {"content": content, "content_sha256": content_sha256(content)})


def c01(**cells):
    return lambda row: [row | cells if row["indicator_code"] == "C01" else row]


CHANGES = [
    ("ruleset_weights", c01(weight="7"), "ruleset_weights.csv", "weight was"),
    ("ruleset_weights", lambda row: [] if row["indicator_code"] == "C01" else [row], "C01, growth", "was removed"),
    ("ruleset_rules", c01(share_at_hi="0.9"), "C01", "share_at_hi"),
    ("ruleset_rules", c01(label="高"), "C01", "label was - and is 高"),
    ("ruleset_indicators", c01(definition_zh="别的"), "C01", "definition_zh"),
    ("ruleset_indicators", c01(unit="元"), "C01", "unit was 万元 and is 元"),
    ("ruleset_stages", lambda row: [row | {"revenue_high_cny": "1.00"}], "growth", "revenue_high_cny"),
    ("ruleset_missing", lambda row: [row | {"treatment": "zero"}], "source_not_supplied", "treatment was rebase"),
    ("ruleset_levels", lambda row: [row | {"quantity": "9"}], "L01", "quantity"),
    ("ruleset_inputs", lambda row: [row, row | {"years_back": "5"}], "5", "was added"),
    ("rulesets", lambda row: [row | {"weights_total": "41"}], ID, "weights_total was 100 and is 41"),
    ("rulesets", lambda row: [row | {"valid_from": "2024-02-01"}], ID, "valid_from"),
    ("rulesets", lambda _: [], ID, "was removed"),
]


@pytest.mark.parametrize(("table", "change", "row", "what"), CHANGES)
def test_any_row_of_a_published_rule_set_that_changes_is_named_with_its_edition(
    ledger, project, table, change, row, what
):
    published_under(ledger, project)
    edit(project, table, change)
    told = [f"{one.file} {one.row_key}: {one.problem_en}" for one in moved(ledger, project)]
    assert any(row in line and what in line for line in told), told
    assert all("edition 2025-06-30-abc was published under it" in line for line in told)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("ruleset_weights", lambda row: [row | {"weight": f"{row['weight']}.000000"}]),
        ("ruleset_stages", lambda row: [row | {"inclusive_high": row["inclusive_high"][:1]}]),
        ("rulesets", lambda row: [row | {"valid_to": "2026-12-31", "status": "retired", "note": "taken over"}]),
    ],
)
def test_another_spelling_of_a_number_and_the_end_of_a_rule_set_change_nothing(ledger, project, table, change):
    published_under(ledger, project)
    edit(project, table, change)
    assert moved(ledger, project) == []


@pytest.mark.parametrize(("cell", "is_moved"), [("label", True), ("is_provisional", False)])
def test_a_column_that_the_seeds_have_since_then_moves_no_published_rule_set(ledger, project, cell, is_moved):
    published_under(ledger, project)
    path = project / "seeds" / "rulesets" / "ruleset_rules.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{head},is_provisional", *(f"{row},true" for row in rows)]) + "\n", encoding="utf-8")
    declared = project / "dbt_project.yml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(
        text.replace("share_at_lo:", "is_provisional: boolean\n          share_at_lo:"), encoding="utf-8"
    )
    edit(project, "ruleset_rules", c01(**{cell: "false"}))
    assert bool(moved(ledger, project)) is is_moved


def test_rows_in_another_order_are_the_same_rule_set(project):
    before = content_sha256(content_of(read_seeds(project, ID), project))
    path = project / "seeds" / "rulesets" / "ruleset_rules.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\r\n".join([head, *reversed(rows)]) + "\r\n", encoding="utf-8-sig")
    assert content_sha256(content_of(read_seeds(project, ID), project)) == before


def test_a_rule_set_that_nothing_was_published_under_may_change(ledger, project):
    published_under(ledger, project)
    edit(project, "ruleset_weights", c01(weight="7"), "national-2024")
    assert moved(ledger, project) == []


def test_the_first_edition_freezes_a_rule_set_and_a_later_one_does_not_freeze_it_anew(ledger, project):
    published_under(ledger, project)
    edit(project, "ruleset_weights", c01(weight="7"))
    run_id = start_run(ledger, date(2025, 7, 1), "plain")
    row = {"edition_id": "later", "as_of": "2025-07-01", "ruleset_id": ID, "recipe_sha256": "r", "manifest_sha256": "m"}
    publish(ledger, row, run_id, "2025-06-30-abc", [], [], {"content": {}, "content_sha256": "else"})
    assert [row["edition_id"] for row in published_rulesets(ledger)] == ["2025-06-30-abc"]
    assert moved(ledger, project)


def test_a_new_version_says_what_the_old_one_said_from_its_day_on(ledger, project):
    published_under(ledger, project)
    files = add_version(project, ID, "zhongkai-2026", date(2026, 1, 1))
    assert "ruleset_weights.csv" in files
    assert moved(ledger, project) == []
    old, new = (content_of(read_seeds(project, one), project) for one in (ID, "zhongkai-2026"))
    told = {(one.column, one.then, one.now) for one in differences(old, new)}
    assert told == {("valid_from", "2024-01-01", "2026-01-01"), ("valid_to", "2025-12-31", None)}
    edit(project, "ruleset_weights", c01(weight="7"), "zhongkai-2026")
    assert moved(ledger, project) == []


@pytest.mark.parametrize(
    ("old", "new", "day"),
    [
        (ID, "national-2024", date(2026, 1, 1)),
        (ID, "../x", date(2026, 1, 1)),
        (ID, "later", date(2024, 1, 1)),
        ("national-2024", "later", date(2025, 1, 1)),
        ("no-such", "later", date(2026, 1, 1)),
    ],
)
def test_a_version_that_cannot_begin_writes_nothing(project, old, new, day):
    before = {path.name: path.read_bytes() for path in (project / "seeds" / "rulesets").iterdir()}
    with pytest.raises(ScoreError):
        add_version(project, old, new, day)
    assert {path.name: path.read_bytes() for path in (project / "seeds" / "rulesets").iterdir()} == before


def test_an_exported_folder_says_the_same_as_the_project(project, tmp_path):
    ruleset = read_seeds(project, ID)
    export_ruleset(ruleset, tmp_path / ID)
    folder = content_of(read_folder(tmp_path / ID), project)
    # What concerns the night alone is in no folder, or with defaults filled in.
    assert [one for one in differences(content_of(ruleset, project), folder) if one.table != "rulesets"] == []


@pytest.fixture
def jifen(monkeypatch, settings, project):
    """The command line over a project of the test's own and its ledger."""
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(cli_ruleset, "place", lambda: Place(project.parent, settings.data_dir))

    def run(*words):
        return CliRunner().invoke(app, ["ruleset", *words])

    return run


def test_the_difference_of_two_and_from_what_was_published_is_shown(jifen, ledger, project):
    published_under(ledger, project)
    assert json.loads(jifen("diff", ID, "--published", "--json").output) == {"differences": []}
    edit(project, "ruleset_weights", c01(weight="7"))
    told = json.loads(jifen("diff", ID, "--published", "--json").output)["differences"]
    assert {(one["table"], one["kind"], one["column"], one["now"]) for one in told} == {
        ("ruleset_weights", "changed", "weight", "7")
    }
    assert "added" in jifen("diff", "national-2024", ID).output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["diff", ID], "--published"),
        (["diff", ID, "national-2024", "--published"], "--published"),
        (["diff", ID, "--published"], "no edition was published under"),
        (["diff", ID, "no-such"], "no rule set 'no-such'"),
    ],
)
def test_a_difference_that_cannot_be_told_is_a_usage_error_and_makes_no_ledger(jifen, settings, words, told):
    done = jifen(*words)
    assert done.exit_code == 2
    assert told in done.output + done.stderr
    assert not settings.data_dir.exists()
