"""The acceptance kit and the fault matrix on sample sources, one for each way of being reached."""

import pytest

from connectors.acceptance.catalogue import CHECKS
from connectors.acceptance.matrix import WRONG, cells_of
from connectors.source_files import SOURCES_DIR, read_source
from flows.cli_source_test import SAMPLES_DIR
from flows.trials import Job, check_all, fault_kinds, strike_all

FILES = [
    *sorted(SOURCES_DIR.glob("*.yml")),
    *(SAMPLES_DIR / f"{name}.yml" for name in ("credit_events", "talent_bureau", "housing_fund")),
]
"""Of `jifen source test --all` every source that ships, and of the samples one for each driver."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_source_passes_every_check_that_applies_to_it(path):
    results = check_all(Job(path, seed=7))
    assert {one.check: one.what for one in results if one.state == "failed"} == {}
    assert len(results) == len(CHECKS)
    assert sum(one.state == "passed" for one in results) >= 24
    assert all(one.what for one in results if one.state == "skipped")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("credit_events", ("status_503", "truncated_json", "total_too_high", "duplicated_page", "null_in_required")),
        ("bank_loans", ("trailer_sum_wrong", "connection_dropped", "file_growing", "duplicate_header")),
        ("housing_fund", ("column_gone", "null_in_key", "rows_rewritten")),
    ],
)
def test_under_faults_a_sample_source_is_right_or_loud(name, kinds):
    source = read_source(SAMPLES_DIR / f"{name}.yml")
    chosen = {kind: fault_kinds()[kind] for kind in kinds}
    cells = tuple(cells_of(source, source.datasets[:1], chosen, ("middle",)))
    done = strike_all(Job(SAMPLES_DIR / f"{name}.yml", seed=7, cells=cells))
    assert {one.kind: (one.outcome, one.why) for one in done if one.outcome in WRONG} == {}
    assert {one.kind for one in done if one.outcome != "not met"} == set(kinds)
