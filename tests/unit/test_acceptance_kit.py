"""The acceptance kit passes a sound source, and each group of its checks fails on the defect it is there for."""

import pytest

from connectors import pull as core
from sandbox.acceptance import CHECKS, RealAgency, make_trial, run_checks
from sandbox.acceptance.matrix import cells_of, run_cells, totals
from tests.unit.acceptance_agency import KEY, KINDS, MemoryAgency, make_source


@pytest.fixture
def put_to_test(settings, monkeypatch):
    def run_it(defect=None, only=None, agency=None, **changes):
        agency = agency or MemoryAgency(defect)
        monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
        for name in ("connectors.check", "sandbox.acceptance.checks_spec"):
            monkeypatch.setattr(f"{name}.driver_of", lambda _name: agency.pull)
        checks = tuple(one for one in CHECKS if (only is None or one.name in only) and one.name != "memory_bounded")
        trial = make_trial(make_source(**changes), agency, settings, kinds=KINDS, full=True)
        return {one.check: one for one in run_checks(trial, checks)}

    return run_it


def test_a_sound_source_passes_every_check_that_applies_and_one_that_is_skipped_says_why(put_to_test):
    results = put_to_test()
    assert {name: one.what for name, one in results.items() if one.state == "failed"} == {}
    assert sum(one.state == "passed" for one in results.values()) >= 24
    skipped = [one for one in results.values() if one.state == "skipped"]
    assert all(len(one.what) > 15 for one in skipped)
    assert {one.check for one in skipped} == {
        "future_state_gives_nothing",
        "lookback_idempotent",
        "connections_within_limit",
    }


@pytest.mark.parametrize(
    ("defect", "check", "told"),
    [
        ("drops the last page", "equal_to_truth", "is not held"),
        ("resumes one record late", "resume_from_every_checkpoint", "differences"),
        ("resumes from the start", "one_page_in_flight", "were given afterwards"),
        ("answers by chance", "sequential_reads_equal", "different things"),
        ("answers by chance", "second_pull_unchanged", "landed"),
        ("remembers all it saw", "cursor_bounded", "bytes"),
        ("calls each page the same", "labels_unique", "used twice"),
        ("asks each page five times", "requests_within_budget", "allowed"),
        ("lets anybody in", "wrong_secret_refused", "LAND_KEY is wrong and leases is landed"),
        ("loses records under a fault", "faults_right_or_loud", "silent wrong"),
        ("shifts values under a fault", "faults_right_or_loud", "77.50"),
    ],
)
def test_a_defect_fails_the_check_that_is_there_for_it(put_to_test, defect, check, told):
    result = put_to_test(defect, {check})[check]
    assert (result.state, told in result.what) == ("failed", True), result.what


@pytest.mark.parametrize("defect", ["tells the key", "is told the key"])
def test_a_secret_in_a_message_or_on_a_kept_page_is_found_and_not_repeated(put_to_test, defect):
    results = put_to_test(defect, {"good_secret_answers", "wrong_secret_refused", "secrets_nowhere"})
    assert results["secrets_nowhere"].state == "failed"
    assert KEY not in results["secrets_nowhere"].what


def test_a_check_that_breaks_has_not_passed(put_to_test):
    agency = MemoryAgency()
    agency.truth = None
    assert put_to_test(None, {"equal_to_truth"}, agency)["equal_to_truth"].state == "failed"


def test_a_floor_that_a_healthy_night_breaks_is_found(put_to_test):
    result = put_to_test(None, {"good_secret_answers"}, volume={"floor": 50, "ceiling": 100})["good_secret_answers"]
    assert (result.state, "the floor is 50" in result.what) == ("failed", True)


def test_a_real_agency_is_not_asked_for_what_only_a_stand_in_can_do(put_to_test, monkeypatch):
    stand_in = MemoryAgency()
    for name, value in stand_in.env.items():
        monkeypatch.setenv(name, value)
    real = RealAgency([make_source()])
    real.pull = stand_in.pull
    results = put_to_test(agency=real)
    assert {name: one.what for name, one in results.items() if one.state == "failed"} == {}
    assert results["faults_right_or_loud"].what.startswith("the agency is real")
    assert results["wrong_secret_refused"].state == "skipped"


def test_records_that_a_real_agency_has_wrong_do_not_count_as_the_planted_one(put_to_test):
    agency = MemoryAgency()
    agency.records.append({"leaseNo": "L8", "holder": "firm 8", "area": "many"})
    results = put_to_test(None, {"refused_is_accounted_for", "schema_matches"}, agency)
    assert results["refused_is_accounted_for"].state == "passed", results["refused_is_accounted_for"].what
    told = "of 8 records, values that do not parse: refused:area_m2:type_mismatch 1"
    assert told in results["schema_matches"].what


def cells(settings, monkeypatch, defect):
    agency = MemoryAgency(defect)
    monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
    trial = make_trial(make_source(), agency, settings, kinds=KINDS)
    return list(run_cells(trial, cells_of(trial.source, trial.datasets, KINDS, ("first",))))


def test_the_matrix_tells_right_from_refused_from_silent_wrong(settings, monkeypatch):
    outcomes = {one.kind: one.outcome for one in cells(settings, monkeypatch, "loses records under a fault")}
    assert outcomes == {"lost_record": "silent wrong", "bad_area": "refused", "shifted": "right"}


def test_a_stand_in_that_breaks_spoils_its_cell_and_is_told(settings, monkeypatch):
    agency = MemoryAgency()
    monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
    trial = make_trial(make_source(), agency, settings, kinds=KINDS)
    todo = list(cells_of(trial.source, trial.datasets, KINDS, ("first",)))
    agency.truth = None
    assert {one.outcome for one in run_cells(trial, todo)} == {"broken"}


def test_the_totals_of_a_matrix_count_every_cell_once(settings, monkeypatch):
    done = cells(settings, monkeypatch, None)
    assert sum(sum(counts.values()) for _, _, counts in totals(done)) == len(done) == 3


def test_no_data_folder_is_touched_by_an_acceptance_run(put_to_test, settings):
    put_to_test(None, {"equal_to_truth"})
    assert not settings.data_dir.exists()
