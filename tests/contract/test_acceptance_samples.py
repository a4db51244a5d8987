"""The acceptance kit and the fault matrix on sample sources, one for each way of being reached."""

import pytest

from cli.source_test import SAMPLES_DIR, Job, cells_of_plan, check_all, strike_all
from connectors.source_files import SOURCES_DIR, read_sources
from ledger.settings import PROJECT_DIR
from sandbox.acceptance import CHECKS
from sandbox.acceptance.matrix import WRONG

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


PLAN = cells_of_plan(PROJECT_DIR / "sandbox" / "faults" / "every_kind.yml", read_sources(SAMPLES_DIR))
"""Each kind of fault once: the fixed sample of what `jifen source faults` sweeps."""


@pytest.mark.parametrize("name", sorted({cell.source for cell in PLAN}))
def test_under_each_kind_of_fault_what_is_held_is_right_or_refused_or_the_stop_is_loud(name):
    cells = tuple(cell for cell in PLAN if cell.source == name)
    done = strike_all(Job(SAMPLES_DIR / f"{name}.yml", seed=7, cells=cells))
    assert {one.kind: (one.outcome, one.why) for one in done if one.outcome in WRONG or one.outcome == "not met"} == {}
