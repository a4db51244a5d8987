"""Refused records: each named once, listed while it stands, decided once."""

import json
import re
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from cli.app import app
from connectors.errors import DataError
from connectors.quarantine import Filter, quarantined, raw_line, standing
from connectors.reasons import explain
from connectors.refusals import quarantine_path
from ledger.quarantine import Decision, decide, decisions, record_id
from ledger.runs import exclusive_run
from tests.declared import column, source_of
from tests.unit.conftest import LOANS
from tests.unit.refusing import GOOD, OTHER, deliver, record

DAY = date(2025, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def states(settings, ledger):
    def of(one, **wanted):
        found = quarantined([source_of(one)], ledger, settings, NEXT, Filter(**wanted))
        return [one.state for one in found]

    return of


@pytest.fixture
def jifen(settings, make_dataset, monkeypatch):
    """The command line over the test's own data folder and its one dataset, a change feed."""
    sources = [source_of(make_dataset(load="upsert"))]
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("JIFEN_OPERATOR", "chen.jing")
    monkeypatch.setattr("connectors.source_files.read_sources", lambda: sources)

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, ["quarantine", *arguments])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if "--json" in arguments else done.output

    run.sources = sources
    return run


def test_a_record_has_the_same_name_every_night():
    assert record_id("tax", "statements", "ab" * 32, 3) == record_id("tax", "statements", "ab" * 32, 3)
    names = {record_id("tax", name, page, place) for name in "ab" for page in ("x", "y") for place in (1, 11)}
    assert len(names) == 8
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_several_faults_of_one_record_are_one_entry(settings, ledger, make_dataset):
    dataset = make_dataset(load="upsert")
    deliver(settings, ledger, dataset, [record(), record(uscc="bad", year="never", staff=-1)], day=DAY)
    (one,) = quarantined([source_of(dataset)], ledger, settings, DAY, Filter())
    assert sorted(fault["reason"] for fault in one.faults) == ["out_of_range", "type_mismatch", "uscc_length"]
    assert (one.state, one.position, one.learned_on) == ("standing", 2, "2025-06-30")
    assert raw_line(settings.data_dir, one)["uscc"] == "bad"


def test_a_refused_record_is_one_line_for_every_program(settings, ledger, make_dataset):
    odd = "bad\u2028x\x85y\u2029\\"
    deliver(settings, ledger, make_dataset(load="upsert"), [record(), record(uscc=odd)], day=DAY)
    (path,) = settings.data_dir.glob("quarantine/*/*/*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["record"]["uscc"] for line in lines} == {odd}


BAD = record(uscc="bad")
STATES = [
    # How it is loaded, what one night brought and perhaps the next, and the states of what was refused.
    ("snapshot", [[record(), BAD], [record(), BAD]], ["standing"]),
    ("snapshot", [[record(), BAD], [record(), record(uscc=OTHER)]], ["replaced"]),
    ("snapshot", [[record(staff=-1)]], ["value_discarded"]),
    ("snapshot", [[record(uscc=GOOD.replace("0", "O"))]], ["value_repaired"]),
    ("snapshot", [[record(), record(revenue="x"), record(uscc=OTHER, revenue="x")]] * 2, ["standing", "standing"]),
    ("upsert", [[record(), BAD], [BAD]], ["repeated", "standing"]),
    ("upsert", [[record(uscc=f" {GOOD.lower()} ", revenue="ten"), record(uscc=OTHER)], [record()]], ["landed"]),
    ("upsert", [[record()], [record(revenue="ten")]], ["standing"]),
]


@pytest.mark.parametrize(("load", "nights", "told"), STATES)
def test_a_refused_record_stands_until_its_key_lands_or_the_whole_is_read_anew(
    settings, ledger, make_dataset, states, load, nights, told
):
    dataset = make_dataset(load=load)
    for day, page in zip((DAY, NEXT), nights, strict=False):
        deliver(settings, ledger, dataset, page, day=day)
    assert states(dataset) == told
    assert len(standing(dataset, ledger, settings, NEXT)) == told.count("standing")


def test_a_delivery_that_was_refused_as_a_whole_does_not_hide_what_stands(settings, ledger, make_dataset, states):
    dataset = make_dataset(load="upsert")
    page = [record(), record(uscc="bad")]
    deliver(settings, ledger, dataset, page, day=DAY)
    below_the_floor = make_dataset(load="upsert", volume={"floor": 50, "ceiling": 100})
    deliver(settings, ledger, below_the_floor, page, [record(uscc="worse")], day=NEXT)
    assert states(dataset) == ["standing", "not_promoted"]


def test_a_filter_asks_by_dataset_reason_and_batch(settings, ledger, make_dataset, states):
    dataset = make_dataset(load="upsert")
    batch = deliver(settings, ledger, dataset, [record(uscc="bad"), record(revenue="ten")], day=DAY)
    assert len(states(dataset, source="tax", dataset="statements", batch=batch)) == 2
    assert len(states(dataset, dataset="tax.statements", reason="uscc_length")) == 1
    assert len(states(dataset, reason="uscc:uscc_length")) == 1
    assert states(dataset, source="../tax") == states(dataset, batch="2025-06-30-002") == []


def test_a_damaged_quarantine_file_is_named_and_never_skipped(settings, ledger, make_dataset):
    dataset = make_dataset()
    batch = deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    path = quarantine_path(settings.data_dir, "tax", "statements", batch)
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(DataError, match=r"line 1 is damaged.*restore the file"):
        quarantined([source_of(dataset)], ledger, settings, DAY, Filter())


def test_a_dataset_that_no_source_file_declares_has_nothing_standing(settings, ledger, make_dataset):
    deliver(settings, ledger, make_dataset(), [record(), record(uscc="bad")], day=DAY)
    (one,) = quarantined([], ledger, settings, DAY, Filter())
    assert one.state == "gone"


def test_an_earlier_day_does_not_see_what_was_decided_later(ledger):
    made = Decision("ab" * 8, "tax", "statements", "discarded", "a test record of the agency", "chen.jing")
    assert decide(ledger, [made], NEXT) == {"ab" * 8}
    assert decisions(ledger, "tax", "statements", DAY) == {}
    assert decisions(ledger, "tax", "statements", NEXT).keys() == {"ab" * 8}
    assert decisions(ledger, "tax", "other", NEXT) == {}
    assert decide(ledger, [made, made], DAY) == set(), "the first decision about a record stays"
    assert decisions(ledger, "tax", "statements", DAY) == {}


def test_the_list_shows_what_stands_and_all_of_it_on_demand(settings, ledger, jifen):
    dataset = jifen.sources[0].datasets[0]
    deliver(settings, ledger, dataset, [record(staff=-1), record(uscc="bad")], day=DAY)
    (one,) = jifen("list", "--json")
    assert (one["state"], one["uscc"], one["faults"][0]["reason"]) == ("standing", "BAD", "uscc_length")
    assert len(jifen("list", "--all", "--json")) == 2
    assert one["record_id"] in jifen("list")
    assert jifen("list", "--reason", "out_of_range", "--json") == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--source", "moon"), "no source moon; there are"),
        (("--dataset", "moon"), "no dataset moon; there are"),
        (("--reason", "out_of_rage"), "no reason out_of_rage; there are .*out_of_range"),
    ],
)
def test_what_no_record_can_have_is_no_empty_list(jifen, asked, told):
    assert re.search(told, " ".join(jifen("list", *asked, code=2).split()))


def test_hostile_text_reaches_the_terminal_only_as_signs_that_do_nothing(settings, ledger, jifen):
    dataset = jifen.sources[0].datasets[0]
    hostile = "\x1b[2Jabc\u202egnp.exe\x9b31m[red]\ud800\n91"
    deliver(settings, ledger, dataset, [record(uscc=hostile, revenue=hostile)], day=DAY)
    (one,) = jifen("list", "--json")
    for output in (
        jifen("list"),
        jifen("show", one["record_id"]),
        CliRunner().invoke(app, ["quarantine", "list", "--json"]).stdout,
        CliRunner().invoke(app, ["quarantine", "show", one["record_id"], "--json"]).stdout,
    ):
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(output)
        assert "[red]" in output
    assert jifen("show", one["record_id"], "--json")["record"]["uscc"] == hostile


def test_a_record_is_shown_with_place_faults_and_what_to_do(settings, ledger, jifen):
    batch = deliver(settings, ledger, jifen.sources[0].datasets[0], [record(), record(uscc="bad")], day=DAY)
    (one,) = jifen("list", "--json")
    told = jifen("show", one["record_id"], "--json")
    assert (told["batch"], told["label"], told["position"], told["run"]) == (batch, "page 1", 2, None)
    assert (told["record"]["uscc"], told["decision"]) == ("bad", None)
    assert "jifen quarantine replay" in told["next"]
    assert told["raw_sha256"] in jifen("show", one["record_id"])


def test_a_discard_keeps_who_when_and_why_and_is_not_repeated(settings, ledger, jifen):
    dataset = jifen.sources[0].datasets[0]
    deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    deliver(settings, ledger, dataset, [record(uscc="bad")], day=NEXT)
    (one,) = jifen("list", "--json")
    told = jifen("discard", one["record_id"], "--why", "the agency's own test record", "--json")
    assert (told["records"][0]["discarded"], told["copies_discarded"]) == (True, 1)
    assert jifen("list", "--json") == []
    decision = jifen("show", one["record_id"], "--json")["decision"]
    assert (decision["action"], decision["decided_by"]) == ("discarded", "chen.jing")
    assert "already discarded by chen.jing" in jifen("discard", one["record_id"], "--why", "again")
    assert "already discarded by chen.jing" in jifen("replay", one["record_id"])


def test_a_total_row_is_closed_by_a_replay_once_its_word_ends_the_table(jifen, land_pages, make_dataset):
    land_pages(make_dataset(**LOANS, decoder={"kind": "csv"}), ["receipt,amount_cny\nA,1\n合计,3".encode()])
    mended = make_dataset(**LOANS, decoder={"kind": "csv", "ends_at": ("合计",)})
    jifen.sources[:] = [jifen.sources[0].model_copy(update={"datasets": (mended,)})]
    (one,) = jifen("list", "--json")
    assert explain("not_a_record").do_zh in jifen("show", one["record_id"])
    assert "closed: by the source file as it is now this is no record" in jifen("replay", one["record_id"])
    assert jifen("list", "--json") == []


def test_a_discard_without_a_reason_or_of_an_unknown_record_changes_nothing(settings, ledger, jifen):
    deliver(settings, ledger, jifen.sources[0].datasets[0], [record(), record(uscc="bad")], day=DAY)
    (one,) = jifen("list", "--json")
    jifen("discard", one["record_id"], code=2)
    jifen("discard", one["record_id"], "--why", "  ", code=2)
    assert "no record 0000" in jifen("discard", one["record_id"], "0000", "--why", "no such record", code=2)
    jifen("show", "0000", code=2)
    jifen("replay", "0000", code=2)
    jifen("replay", code=2)
    jifen("discard", one["record_id"], "--why", "ahead", "--as-of", "2999-01-01", code=2)
    assert len(jifen("list", "--json")) == 1


def mend(jifen, make_dataset, load="upsert"):
    """The operator takes the code's check out of the source file."""
    columns = (column("uscc", required=True), *make_dataset().columns[1:])
    jifen.sources[:] = [source_of(make_dataset(load=load, columns=columns))]


def test_a_replay_after_the_mend_lands_exactly_what_passes_now(settings, ledger, jifen, make_dataset):
    page = [record(), record(uscc="bad"), record(uscc="worse", revenue="ten")]
    deliver(settings, ledger, jifen.sources[0].datasets[0], page, day=DAY)
    assert jifen("replay", "--source", "tax", "--json", code=1)["landed"] == {"tax.statements": 0}
    mend(jifen, make_dataset)
    told = jifen("replay", "--dataset", "statements", "--json", code=1)
    assert told["landed"] == {"tax.statements": 1}
    assert [line["rules"] for line in told["still_refused"]] == [["revenue_cny:type_mismatch"]]
    assert [one["key"] for one in jifen("list", "--json")] == [["worse", "2024"]]
    (replayed,) = [one for one in jifen("list", "--all", "--json") if one["state"] == "replayed"]
    assert (replayed["decision"]["action"], replayed["position"]) == ("replayed", 2)
    assert "already replayed by chen.jing" in jifen("replay", replayed["record_id"])


def test_a_replay_waits_for_the_run_that_is_at_work(settings, ledger, jifen):
    deliver(settings, ledger, jifen.sources[0].datasets[0], [record(), record(uscc="bad")], day=DAY)
    with exclusive_run(settings.data_dir):
        assert "another run holds" in jifen("replay", "--source", "tax", code=1)


def test_what_a_replay_of_a_snapshot_left_out_still_stands(settings, ledger, jifen, make_dataset):
    jifen.sources[:] = [source_of(make_dataset())]
    page = [record(), record(uscc="bad"), record(uscc="worse", revenue="ten")]
    deliver(settings, ledger, jifen.sources[0].datasets[0], page, day=DAY)
    mend(jifen, make_dataset, load="snapshot")
    first = next(one["record_id"] for one in jifen("list", "--json") if one["position"] == 2)
    assert jifen("replay", first, "--json")["landed"] == {"tax.statements": 1}
    assert [one["position"] for one in jifen("list", "--json")] == [3]
