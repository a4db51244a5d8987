"""A dry run says what a pull would ask for, opens no socket and writes nothing."""

from datetime import date

import pytest
from sqlalchemy import update

from connectors import pull as core
from connectors.errors import ConfigError
from connectors.plan import plan
from connectors.zone import Zone
from ledger.store import open_ledger
from ledger.tables import ledger_version
from sandbox.acceptance.checks_spec import folder_sha256
from sandbox.acceptance.store import StoppedError, TrialStore, Watch, open_store
from tests.unit.acceptance_agency import KEY, MemoryAgency, make_source

DAY = date(2025, 6, 30)


@pytest.fixture
def store(settings, monkeypatch) -> TrialStore:
    agency = MemoryAgency()
    monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
    for name, value in agency.env.items():
        monkeypatch.setenv(name, value)
    return open_store(settings, "store", Zone(), DAY, [])


def planned(settings, source=None):
    (found,) = plan([source or make_source()], Zone(), settings, DAY)
    return found


def test_without_a_ledger_nothing_was_pulled_yet_and_none_is_made(settings):
    assert planned(settings).last_promoted == "nothing pulled yet"
    assert not settings.data_dir.exists()


def test_a_plan_leaves_the_data_folder_as_it_was_also_while_a_run_holds_the_ledger_open(store):
    store.pull(make_source(), make_source().datasets[0])
    before = folder_sha256(store.settings.data_dir)
    assert planned(store.settings).last_promoted == "2025-06-30-001 landed, 7 rows landed"
    assert folder_sha256(store.settings.data_dir) == before


def test_a_plan_says_where_a_broken_pull_goes_on(store):
    with pytest.raises(StoppedError):
        store.pull(make_source(), make_source().datasets[0], Watch(stop_after=2))
    assert planned(store.settings).resume == "behind from 2, 2 pages of batch 2025-06-30-001 are kept"


def test_a_plan_says_when_the_source_file_was_changed_in_between(store):
    with pytest.raises(StoppedError):
        store.pull(make_source(), make_source().datasets[0], Watch(stop_after=2))
    changed = make_source().model_copy(update={"sha256": "1" * 64})
    assert "another source file" in planned(store.settings, changed).resume


def test_a_plan_names_parameters_and_never_a_secret(store):
    request = {
        "path": "/leases",
        "params": {"district": "440305"},
        "since": {"param": "from", "column": "changed_at", "start": "2020-01-01", "lookback_days": 3},
    }
    columns = [
        {"name": "lease_no", "source_field": "leaseNo", "required": True, "data_type": "varchar"},
        {"name": "changed_at", "source_field": "changed", "data_type": "timestamp"},
    ]
    found = planned(store.settings, make_source(load="upsert", request=request, columns=columns))
    assert found.params == {"district": "440305", "from": "2020-01-01"}
    assert found.since == "2020-01-01"
    assert KEY not in repr(found)


def test_a_ledger_of_another_version_is_not_read(settings):
    ledger = open_ledger(settings)
    with ledger.begin() as connection:
        connection.execute(update(ledger_version).values(version=99))
    with pytest.raises(ConfigError, match="version 99"):
        planned(settings)


def test_a_dataset_that_is_not_supplied_here_is_planned_with_its_reason(settings):
    zone = Zone(not_supplied={"land": "no agreement yet"})
    (found,) = plan([make_source()], zone, settings, DAY)
    assert found.not_supplied == "no agreement yet"
