"""What a policy may drop goes, and is written down; what proves an edition, and what anything rests on, stays."""

import os
import shutil
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from connectors.errors import ConfigError, DataError
from connectors.stored import Store, require_stored
from connectors.zone import Zone
from editions.drop import droppable_files
from editions.durable import remove_tree
from editions.places import EditionDroppedError, edition_path, require_edition
from editions.seal import require_whole
from editions.verify import verify
from flows import retention
from flows.acts import correct, roll_back
from flows.retention import SHIPPED, apply, plan, read_policy
from ledger.acts import WITHDRAWN, record_act
from ledger.journal import breaks, differences, entries
from ledger.objections import open_objection
from ledger.publications import edition_row
from ledger.runs import latest_runs
from ledger.store import NotPossibleError, write
from ledger.tables import runs
from tests.declared import source_of
from tests.unit.refusing import GOOD, deliver, record
from tests.unit.test_past import DAY, LATER, NEXT, land, run  # noqa: F401  # fixtures

AUGUST = date(2025, 8, 1)
NOTHING_BY_AGE = dict.fromkeys(("candidates", "splits", "reports", "logs"), 10_000)


def policy(**days):
    shipped = read_policy(SHIPPED).model_dump()
    editions = {"all_days": days.pop("all_days", 0), "month_ends_days": days.pop("month_ends_days", 0)}
    return retention.Policy(
        **{**shipped, "raw": 0, "landed": 0, "quarantine": 0, **NOTHING_BY_AGE, **days, "editions": editions}
    )


@pytest.fixture(scope="module")
def kept_four(tmp_path_factory):
    """Where the four editions are kept for the tests after the first."""
    return tmp_path_factory.mktemp("four") / "data", []


@pytest.fixture
def four(settings, ledger, land, run, kept_four):  # noqa: F811
    """Editions of 30 June, 1 and 2 July and 1 August: the last is current, and follows the one before it."""
    folder, made = kept_four
    if made:
        ledger.dispose()
        remove_tree(settings.data_dir)
        shutil.copytree(folder, settings.data_dir, symlinks=True)
        return made
    for place, day in enumerate((DAY, NEXT, LATER, AUGUST)):
        land(day, record(revenue=f"{place}.00"))
        made.append(run(day).edition_id)
    ledger.dispose()
    shutil.copytree(settings.data_dir, folder, symlinks=True)
    return made


@pytest.fixture
def snapshots(settings, ledger, make_dataset, monkeypatch):
    """A snapshot that came three times, and said another thing each time."""
    dataset = make_dataset(load="snapshot")
    monkeypatch.setattr(retention, "read_sources", lambda: [source_of(dataset)])
    for place, day in enumerate((DAY, NEXT, LATER)):
        deliver(settings, ledger, dataset, [record(revenue=f"{place}.00"), record(uscc=f"wrong {place}")], day=day)
    return dataset


def going(settings, kind, **days):
    return next(one for one in plan(settings, policy(**days)) if one.kind == kind)


def test_current_and_the_edition_it_follows_stay_and_so_do_ends_of_months_and_open_matters(settings, ledger, four):
    june, july, _, august = four
    assert going(settings, "editions").what == (june, july)
    assert going(settings, "editions", month_ends_days=10_000).what == (july,)
    assert going(settings, "editions", all_days=10_000).what == ()
    open_objection(ledger, july, GOOD, "wrong", NEXT, 15, "li")
    assert going(settings, "editions").what == (june,)
    assert retention.why_editions_stay(ledger, settings)[august] == "it is current"


def test_a_clock_that_leapt_drops_nothing_until_many_nights_have_followed(settings, ledger, four, monkeypatch):
    monkeypatch.setattr("ledger.settings.datetime", SimpleNamespace(now=lambda zone: datetime(2031, 1, 1, tzinfo=zone)))
    with pytest.raises(NotPossibleError, match=r"no night began between .* and 2031-01-01"):
        apply(settings, policy(), "li")
    assert entries(ledger, "dropped") == []
    last = latest_runs(ledger)[0]
    later = [
        {**last, "run_id": f"r{n}", "run_no": 100 + n, "started_at": "2030-12-31T14:30:00+00:00"} for n in range(30)
    ]
    write(ledger, insert(runs).values(later[:29]))
    with pytest.raises(NotPossibleError, match="and 2030-12-31"):
        apply(settings, policy(), "li")
    write(ledger, insert(runs).values(later[29:]))
    assert four[0] in next(one.what for one in apply(settings, policy(), "li") if one.kind == "editions")


def test_a_withdrawn_edition_is_no_end_of_a_month_and_the_one_before_it_stays(settings, ledger, four):
    _, july, withdrawn, august = four
    record_act(ledger, WITHDRAWN, withdrawn, august, august, "wrong", "li", [], [])
    assert july not in going(settings, "editions", month_ends_days=10_000).what
    # The one before it stands, to which a withdrawal of `current` would go back.
    assert july not in going(settings, "editions").what


def test_a_dropped_edition_keeps_its_proof_and_who_needs_its_tables_is_told(settings, ledger, four, land, run):  # noqa: F811
    june = four[0]
    row, path = edition_row(ledger, june), edition_path(settings.data_dir, june)
    before = {one.kind: one.bytes for one in plan(settings, policy())}["editions"]
    (gone,) = (one for one in apply(settings, policy(), "li") if one.kind == "editions")
    assert gone.going_bytes > 0
    assert {one.kind: one.bytes for one in plan(settings, policy())}["editions"] < before
    assert {"manifest.json", "SHA256SUMS", "verdict.json"} < {one.name for one in path.iterdir()}
    assert not (path / "tables").exists()
    assert [found.problem for found in verify(path, row["manifest_sha256"])] == ["dropped"]
    for need in (
        lambda: require_edition(settings.data_dir, june),
        lambda: require_whole(path, june, row["manifest_sha256"]),
        lambda: correct(settings, june, "wrong titles", "li"),
        lambda: roll_back(settings, june, "wrong titles", "li"),
    ):
        with pytest.raises(EditionDroppedError, match=r"was dropped on .* jifen edition rebuild"):
            need()
    (entry,) = entries(ledger, "dropped")
    assert (entry["content"]["what"], entry["content"]["decided_by"]) == ([june, four[1]], "li")
    assert [*breaks(ledger, {}), *differences(ledger)] == []
    land(AUGUST + timedelta(days=1), record(revenue="9.00"))
    assert run(AUGUST + timedelta(days=1)).state == "published"
    assert going(settings, "editions").what == (four[2],)


def test_a_manifest_changed_after_its_tables_were_dropped_is_still_found_out(settings, ledger, four):
    apply(settings, policy(), "li")
    path = edition_path(settings.data_dir, four[0]) / "manifest.json"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"kind"', b'"Kind"'))
    found = verify(path.parent, edition_row(ledger, four[0])["manifest_sha256"])
    assert "manifest.json" in {one.path for one in found}


@pytest.mark.parametrize("step", ["flows.retention.drop_tables", "editions.drop.remove_tree"])
def test_dropping_broken_off_goes_on_with_what_is_left(settings, ledger, four, monkeypatch, step):
    def broken(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(step, broken)
        with pytest.raises(KeyboardInterrupt):
            apply(settings, policy(), "li")
    remove_tree(edition_path(settings.data_dir, four[0]) / "contracts")
    apply(settings, policy(), "li")
    assert len(entries(ledger, "dropped")) == 2
    assert not [path for one in four[:2] for path in droppable_files(edition_path(settings.data_dir, one))]
    assert going(settings, "editions").what == ()


def test_of_a_snapshot_the_newest_stays_and_what_was_dropped_is_named_where_it_is_missed(settings, ledger, snapshots):
    by_kind = {one.kind: one for one in plan(settings, policy())}
    older = ("tax.statements 2025-06-30-001", "tax.statements 2025-07-01-001")
    assert {kind: by_kind[kind].what for kind in ("raw", "landed", "quarantine")} == dict.fromkeys(
        ("raw", "landed", "quarantine"), older
    )
    assert going(settings, "landed", landed=10_000).what == ()
    apply(settings, policy(), "li")
    left = {kind: len([path for path in (settings.data_dir / kind).rglob("*") if path.is_file()]) for kind in by_kind}
    assert (left["raw"], left["landed"], left["quarantine"]) == (1, 1, 1)
    store, sources = Store(settings, ledger, Zone(), {}), [source_of(snapshots)]
    require_stored(sources, store, LATER)
    with pytest.raises(DataError, match=r"dropped by the policy of retention on .* restore"):
        require_stored(sources, store, DAY)


def test_what_an_edition_that_stays_was_made_of_stays(settings, four):
    assert four
    for kind in ("raw", "landed", "quarantine"):
        assert going(settings, kind).what == ()


@pytest.mark.usefixtures("ledger")
def test_what_is_made_again_goes_by_its_age(settings):
    assert going(settings, "candidates").what == ()
    logs = settings.data_dir / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "old.log").write_text("old")
    os.utime(logs / "old.log", (0, 0))
    assert going(settings, "logs", logs=1).what == ("old.log",)
    apply(settings, policy(logs=1), "li")
    assert not (logs / "old.log").exists()


FOR_EVER = SHIPPED.read_text(encoding="utf-8").replace("logs: 400", "logs: 1000000")
"""No date lies so far back."""


@pytest.mark.parametrize("text", ["raw: 3", "raw: -1", "[", "editions: {all_days: soon}", FOR_EVER])
def test_a_policy_that_is_not_whole_is_refused(tmp_path, text):
    (tmp_path / "policy.yml").write_text(text)
    with pytest.raises(ConfigError, match="not a valid policy of retention"):
        read_policy(tmp_path / "policy.yml")
