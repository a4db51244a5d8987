"""An edition of a day that has passed: of what was known then, beside `current`, told and sent to nobody."""

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from connectors.landing import landed_path
from connectors.refusals import quarantine_path
from connectors.zone import Zone
from editions.build import BuildReport
from editions.manifest import read_manifest
from editions.places import read_current
from editions.ruleset_diff import moved
from flows import recipe
from flows.acts import roll_back
from flows.night import Night
from flows.past import known_then, stood_on
from flows.recipe import PLAIN_STEPS
from ledger.files import file_sha256
from ledger.journal import breaks, differences
from ledger.publications import beside_rows, current_id, publication_rows, published_rulesets
from ledger.runs import end_run, latest_runs, start_run
from ledger.settings import PROJECT_DIR
from ledger.store import NotPossibleError
from tests.declared import source_of
from tests.unit.refusing import deliver, record
from tests.unit.small_edition import make_candidate

DAY = date(2025, 6, 30)
NEXT, LATER = DAY + timedelta(days=1), DAY + timedelta(days=2)
BUILT = BuildReport({"success": 7}, 7, 9, (), (), None)


@pytest.fixture
def land(settings, ledger, make_dataset, monkeypatch):
    """Land a delivery of one critical source, which is all that the nights of a test know of."""
    dataset = make_dataset(load="upsert", critical=True)
    monkeypatch.setattr(recipe, "read_sources", lambda: [source_of(dataset)])
    monkeypatch.setattr(recipe, "read_sinks", list)
    monkeypatch.setattr(recipe, "moved", lambda *_: [])
    return lambda day, *records: deliver(settings, ledger, dataset, list(records), day=day)


@pytest.fixture
def run(settings):
    """Run the recipe for a day, the models and the gate being the small edition's; `changes` is SQL over its tables."""

    def on(day, changes="", pull=None):
        dated = f"update rankings set as_of = date '{day}';" + changes  # noqa: S608  # a day of the test
        build = lambda night, _: (make_candidate(settings.data_dir, night.run_id, dated), BUILT)  # noqa: E731
        gate = lambda *_: SimpleNamespace(as_dict=lambda: {"state": "passed", "checks": []})  # noqa: E731
        sent = {"deliver": never, "notify": never} if pull is never else {}
        steps = replace(PLAIN_STEPS, pull_all=pull or known_then, build=build, gate=gate, **sent)
        return recipe.run_night(settings, day, "plain", steps)

    return on


def never(*_):
    pytest.fail("for a day that has passed nobody may be asked, and nothing sent")


def test_a_day_that_has_passed_moves_nothing_and_the_night_after_it_goes_on(settings, ledger, land, run):
    land(DAY, record())
    first = run(DAY)
    land(LATER, record())
    later = run(LATER)
    between = run(NEXT, pull=never)
    assert (first.state, later.state, between.state, between.exit_code) == ("published", "published", "beside", 0)
    assert current_id(ledger) == read_current(settings.data_dir) == later.edition_id
    assert [row["edition_id"] for row in beside_rows(ledger)] == [between.edition_id]
    assert [row["edition_id"] for row in publication_rows(ledger)] == [later.edition_id, first.edition_id]
    assert stood_on(ledger, NEXT) == first.edition_id
    assert (run(NEXT, pull=never).state, run(NEXT).edition_id) == ("nothing_new", between.edition_id)
    assert len(beside_rows(ledger)) == 1
    assert run(LATER).state == "nothing_new"
    land(LATER + timedelta(days=1), record())
    assert run(LATER + timedelta(days=1)).state == "published"
    assert publication_rows(ledger)[0]["supersedes"] == later.edition_id


def test_an_edition_built_beside_is_published_where_its_day_lies_ahead_of_readers_again(settings, ledger, land, run):
    land(DAY, record())
    first = run(DAY)
    for day in (NEXT, LATER):
        land(day, record())
    run(LATER)
    beside = run(NEXT, pull=never)
    roll_back(settings, first.edition_id, "wrong titles", "li")
    done = run(NEXT)
    assert (beside.state, done.state, done.edition_id) == ("beside", "published", beside.edition_id)
    assert current_id(ledger) == read_current(settings.data_dir) == beside.edition_id


def test_the_day_of_an_edition_built_again_is_that_edition(ledger, land, run):
    land(DAY, record())
    first = run(DAY)
    land(LATER, record())
    run(LATER)
    again = run(DAY, pull=never)
    assert (again.state, again.edition_id) == ("nothing_new", first.edition_id)
    assert beside_rows(ledger) == []
    assert len(latest_runs(ledger, 9)) == 2


def test_a_day_before_anything_was_known_is_refused_with_the_first_day_there_is(settings, land, run):
    land(DAY, record())
    run(DAY)
    with pytest.raises(NotPossibleError, match=r"nothing was known then of tax\.statements.*from 2025-06-30 on"):
        run(DAY - timedelta(days=1), pull=never)
    assert not list((settings.data_dir / "candidates").glob("*beside*"))


def test_nothing_learnt_after_the_day_is_in_it(settings, ledger, land, make_dataset):
    land(DAY, record())
    land(LATER, record(revenue_cny=9))
    source = source_of(make_dataset(load="upsert", critical=True))
    on = {day: Night("x", day, settings, ledger, (source,), (), Zone()) for day in (DAY, NEXT, LATER)}
    known = {day: known_then(night)[0] for day, night in on.items()}
    assert [known[day].state for day in on] == ["unchanged", "failed", "unchanged"]
    assert known[DAY].batch == known[NEXT].batch == "2025-06-30-001"
    assert known[NEXT].whose == "not asked that day"
    run_id = start_run(ledger, NEXT, "plain")
    pulled = [{"source": "tax", "dataset": "statements", "whose": "transient"}]
    end_run(ledger, run_id, "nothing_new", None, {"pulled": pulled})
    assert known_then(on[NEXT])[0].whose == "transient"


def test_equal_tables_are_not_published_again_and_the_outcome_says_so(ledger, land, run, monkeypatch):
    land(DAY, record())
    first = run(DAY)
    monkeypatch.setattr(recipe, "rules_sha256", lambda _: "other rules")
    again = run(DAY)
    assert (again.state, again.edition_id) == ("nothing_new", first.edition_id)
    assert "no result did" in again.message
    assert len(publication_rows(ledger)) == 1
    assert run(DAY, "update rankings set score = score - 1;").state == "published"


def test_a_published_rule_set_whose_files_change_stops_the_next_night(ledger, land, run, monkeypatch, tmp_path):
    land(DAY, record())
    run(DAY)
    assert [row["ruleset_id"] for row in published_rulesets(ledger)] == ["national-2024"]
    monkeypatch.setattr(recipe, "moved", moved)
    land(NEXT, record())
    assert run(NEXT).state == "published"
    for part in ("dbt_project.yml", "seeds/rulesets"):
        copy = shutil.copytree if part == "seeds/rulesets" else shutil.copy
        (tmp_path / "dbt_project" / part).parent.mkdir(parents=True, exist_ok=True)
        copy(PROJECT_DIR / "dbt_project" / part, tmp_path / "dbt_project" / part)
    weights = tmp_path / "dbt_project" / "seeds" / "rulesets" / "ruleset_weights.csv"
    weights.write_text(weights.read_text().replace("national-2024,C01,startup,6,", "national-2024,C01,startup,7,"))
    monkeypatch.setattr(recipe, "PROJECT_DIR", tmp_path)
    land(LATER, record())
    stopped = run(LATER)
    assert stopped.state == "failed"
    assert (
        "ruleset_weights.csv: national-2024, C01, startup: weight was 6 and is 7; edition 2025-06-30-"
        in stopped.message
    )
    assert "jifen ruleset new national-2024" in stopped.message
    assert stopped.edition_id == current_id(ledger)


def test_rules_that_change_while_an_edition_is_built_publish_nothing(ledger, land, run, monkeypatch):
    land(DAY, record())
    told = iter(["before", "after"])
    monkeypatch.setattr(recipe, "rules_sha256", lambda _: next(told))
    assert "the rules were changed while" in run(DAY).message
    assert current_id(ledger) is None


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_between_two_nights_changes_nothing_of_what_is_published(
    settings, ledger, land, run, monkeypatch, days
):
    land(DAY, record())
    first = run(DAY)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=days)

    monkeypatch.setattr("ledger.store.datetime", Clock)
    land(NEXT, record(revenue="11.00"))
    second = run(NEXT)
    assert current_id(ledger) == read_current(settings.data_dir) == second.edition_id
    assert publication_rows(ledger)[0]["supersedes"] == first.edition_id
    assert [*breaks(ledger, {}), *differences(ledger)] == []
    assert (run(NEXT).state, run(DAY).state) == ("nothing_new", "nothing_new")


def test_the_night_of_today_is_refused_while_the_current_edition_is_of_a_later_day(
    settings, ledger, land, run, monkeypatch
):
    def put_clock(day):
        monkeypatch.setattr(
            recipe,
            "datetime",
            SimpleNamespace(now=lambda zone: datetime(day.year, day.month, day.day, 22, 30, tzinfo=zone)),
        )

    land(DAY, record())
    first = run(DAY)
    put_clock(ahead := DAY + timedelta(days=366))
    land(ahead, record(revenue="11.00"))
    wrong = run(ahead)
    put_clock(NEXT)
    with pytest.raises(NotPossibleError, match=rf"{wrong.edition_id} is of a day ahead.*rollback {first.edition_id}"):
        run(NEXT, pull=never)
    assert run(DAY, pull=never).state == "nothing_new"
    roll_back(settings, first.edition_id, "a clock that was a year ahead", "li")
    land(NEXT, record(revenue="12.00"))
    assert (run(NEXT).state, publication_rows(ledger)[0]["supersedes"]) == ("published", first.edition_id)


def test_a_night_stops_where_the_current_edition_is_damaged_and_claims_nothing(settings, ledger, land, run):
    land(DAY, record())
    first = run(DAY)
    table = settings.data_dir / "editions" / first.edition_id / "tables" / "rankings.parquet"
    content = bytearray(table.read_bytes())
    content[100] ^= 1
    table.chmod(0o600)
    table.write_bytes(content)
    for day in (DAY, NEXT):
        land(NEXT, record(revenue="12.00"))
        again = run(day)
        assert (again.state, again.edition_id) == ("failed", first.edition_id)
        assert f"edition {first.edition_id} was published and is damaged: tables/rankings.parquet" in again.message
    assert [row["edition_id"] for row in publication_rows(ledger)] == [first.edition_id]


def test_a_damaged_store_is_made_again_and_reported_or_stops_the_night(settings, land, run):
    batch = land(DAY, record(), record(uscc="wrong"))
    first = run(DAY)
    path = landed_path(settings.data_dir, "tax", "statements", batch)
    for broken in (path, quarantine_path(settings.data_dir, "tax", "statements", batch)):
        broken.unlink()
        again = run(DAY)
        assert (again.state, again.edition_id, again.report["made_again"]) == (
            "nothing_new",
            first.edition_id,
            [str(broken)],
        )
    path.unlink()
    for raw in (settings.data_dir / "raw").glob("*/*.zst"):
        raw.unlink()
    again = run(DAY)
    assert again.state == "failed"
    assert f"{path}: is not there, and it cannot be made again from raw" in again.message


def test_the_manifest_names_every_file_and_raw_object_that_was_read(settings, land, run):
    land(DAY, record(), record(uscc="wrong"))
    first = run(DAY)
    (told,) = read_manifest(settings.data_dir / "editions" / first.edition_id)["inputs"]
    assert {path: file_sha256(settings.data_dir / path) for path, _ in told["files"]} == dict(told["files"])
    assert {path.partition("/")[0] for path, _ in told["files"]} == {"landed", "quarantine"}
    assert [path.stem for path in (settings.data_dir / "raw").glob("*/*.zst")] == told["batches"][0]["raw"]
