"""Return files: what an agency sent, counted and answered for; the same facts give the same bytes."""

import ast
import csv
import inspect
import io
import json
import re
import sys
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from connectors import uscc
from connectors.errors import ConfigError
from connectors.pull import Pulled
from connectors.quarantine import Filter, quarantined
from connectors.reasons import UNEXPLAINED, explain, read_reasons
from connectors.returns import HEADERS, KINDS, compose
from connectors.sink_files import SINKS_DIR, ReturnsSink, read_sinks
from connectors.source_files import read_sources
from connectors.zone import Zone
from flows import recipe
from flows.night import Night
from flows.outcome import Outcome
from flows.returns import compose_returns, send_returns, with_returns_sent
from ledger.returns import owed_returns, return_rows
from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger
from tests.unit.refusing import GOOD, OTHER, deliver, make_source, record

DAY = date(2025, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def ledger(settings):
    return open_ledger(settings)


@pytest.fixture
def returned(settings, ledger):
    """The rows of a source's return, by our names of the columns; None where there is no return."""

    def rows(dataset, day=DAY):
        made = compose(make_source(dataset), settings.data_dir, ledger, day)
        if made is None:
            return None
        assert made.content.startswith(b"\xef\xbb\xbf")
        header, *lines = csv.reader(io.StringIO(made.content.decode("utf-8-sig")))
        assert header == list(HEADERS.values())
        return [dict(zip(HEADERS, line, strict=True)) for line in lines]

    return rows


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == KINDS[kind]]


def test_the_totals_add_up_and_name_every_page(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    deliver(settings, ledger, dataset, [record(), record(staff=-1, uscc=OTHER)], [record(), record(uscc="b")], day=DAY)
    rows = returned(dataset)
    (total,) = of_kind(rows, "total")
    counted = {name: int(total[name]) for name in ("received", "accepted", "refused", "discarded", "duplicates")}
    assert counted == {"received": 4, "accepted": 2, "refused": 1, "discarded": 1, "duplicates": 1}
    assert [(row["label"], row["received"], len(row["sha256"])) for row in of_kind(rows, "page")] == [
        ("page 1", "2", 64),
        ("page 2", "2", 64),
    ]


def test_each_refused_record_says_where_it_stood_what_is_wrong_and_what_to_do(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(), record(uscc="bad", revenue="ten")], day=DAY)
    first, second = of_kind(returned(dataset), "record_refused")
    assert (first["label"], first["position"], first["uscc"], first["key"]) == ("page 1", "2", "BAD", "bad / 2024")
    by_code = {row["code"]: row for row in (first, second)}
    assert by_code["type_mismatch"]["field"] == "yysr"
    assert by_code["uscc_length"]["zh"] == "统一社会信用代码不是18位"
    assert by_code["uscc_length"]["do_en"].startswith("give the full code")
    (held,) = quarantined([make_source(dataset)], ledger, settings, DAY, Filter())
    assert first["id"] == second["id"] == held.record_id


def test_a_night_that_brought_nothing_has_no_return(settings, ledger, make_dataset, returned):
    deliver(settings, ledger, make_dataset(), [record()], day=DAY)
    assert returned(make_dataset(), NEXT) is None


def test_the_same_delivery_on_another_night_gives_the_same_bytes(settings, ledger, make_dataset):
    dataset = make_dataset()
    made = []
    for day in (DAY, NEXT):
        deliver(settings, ledger, dataset, [record(), record(uscc="bad"), record(uscc="worse")], day=day)
        made.append(compose(make_source(dataset), settings.data_dir, ledger, day).content)
    assert made[0] == made[1]


def test_a_repaired_code_is_told_and_its_record_accepted(settings, ledger, make_dataset, returned):
    typed = record()["uscc"].replace("0", "O")
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(uscc=typed)], day=DAY)
    rows = returned(dataset)
    (total,), (told,) = of_kind(rows, "total"), of_kind(rows, "value_repaired")
    assert (total["accepted"], total["refused"], total["discarded"], total["repaired"]) == ("1", "0", "0", "1")
    assert (told["code"], told["value"], told["uscc"]) == ("uscc_repaired", typed, record()["uscc"])
    assert "已采用" in told["zh"]


def test_a_delivery_refused_as_a_whole_is_answered_for(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert", volume={"floor": 50, "ceiling": 100})
    deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    rows = returned(dataset)
    (void,) = of_kind(rows, "void")
    assert (void["received"], void["accepted"], void["refused"]) == ("2", "0", "2")
    assert "the floor is 50" in void["value"]
    assert "Next:" not in void["value"]
    assert [row["code"] for row in of_kind(rows, "record_refused")] == ["uscc_length"]


def test_a_page_that_cannot_be_read_has_no_count_rather_than_zero(settings, ledger, make_dataset, returned):
    dataset = make_dataset(decoder={"kind": "json", "records": "nothing.here"})
    deliver(settings, ledger, dataset, [record()], day=DAY)
    rows = returned(dataset)
    (void,), (page,) = of_kind(rows, "void"), of_kind(rows, "page")
    assert (void["received"], void["refused"], page["received"]) == ("", "", "")


def test_no_cell_of_a_return_runs_in_a_spreadsheet(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    hostile = '=HYPERLINK("http://x")\x1b\u202e\ud800'
    deliver(
        settings, ledger, dataset, [record(), record(uscc=hostile), record(revenue="@SUM(1)" + "9" * 9000)], day=DAY
    )
    cells = [cell for row in returned(dataset) for cell in row.values()]
    assert not [cell for cell in cells if re.match(r"[=+\-@\t\r\n]", cell) or re.search("[\x1b\u202e\ud800]", cell)]
    assert '\'=HYPERLINK("http://x")�' in cells
    assert max(len(cell) for cell in cells) < 600


def test_a_snapshot_read_twice_in_a_night_is_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    for _ in range(2):
        deliver(settings, ledger, dataset, [record()], day=DAY)
    (total,) = of_kind(returned(dataset), "total")
    assert total["received"] == "1"


def test_the_same_file_fetched_again_in_a_night_is_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    for _ in range(2):
        deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    (total,) = of_kind(returned(dataset), "total")
    assert (total["received"], total["refused"]) == ("2", "1")


def emitted_codes():
    """Every reason code that stands as a text in the code that refuses: in a fault, a mark, or the code's own check."""
    found = set()
    for path in sorted((PROJECT_DIR / "connectors").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Fault", "Broken", "ValueFaultError"):
                texts = [one for argument in node.args[:2] for one in ast.walk(argument)]
                found |= {t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)}
            if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
                found |= {node.value.value}
    columns = ast.parse((PROJECT_DIR / "connectors" / "columns.py").read_text(encoding="utf-8"))
    (rule,) = [one for one in columns.body if isinstance(one, ast.FunctionDef) and one.name == "_broken_rule"]
    codes = [ast.parse(inspect.getsource(rule_of_code)) for rule_of_code in (uscc.fault, uscc.enterprise_fault)]
    for tree in (rule, *codes):
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and node.value is not None:
                found |= {t.value for t in ast.walk(node.value) if isinstance(t, ast.Constant) and t.value is not None}
    return {one for one in found if isinstance(one, str) and re.fullmatch(r"[a-z][a-z_]{3,}", one)}


def test_every_reason_code_that_is_emitted_anywhere_is_explained_in_both_languages():
    codes = emitted_codes()
    assert {"type_mismatch", "uscc_check_character", "field_count", "not_in_values", "conflicting_key"} <= codes
    assert sorted(code for code in codes if explain(code) is UNEXPLAINED) == []
    for reason in read_reasons().values():
        assert re.search("[一-鿿]", reason.zh)
        assert re.search("[一-鿿]", reason.do_zh)
        assert reason.en.isascii()
        assert reason.do_en.isascii()


@pytest.fixture
def night(settings, ledger, make_dataset):
    """A night of one source with a sink for its returns."""
    dataset = make_dataset(load="upsert")
    (pattern, *_) = [sink for sink in read_sinks() if isinstance(sink, ReturnsSink)]
    sink = pattern.model_copy(update={"name": "tax_returns", "source": "tax"})

    def on(day, *pages, sinks=(sink,)):
        if pages:
            deliver(settings, ledger, dataset, *pages, day=day)
        return Night("run", day, settings, ledger, (make_source(dataset),), sinks, Zone())

    return on


def test_a_return_is_written_with_its_manifest_and_owed(settings, ledger, night):
    (line,) = compose_returns(night(DAY, [record(), record(uscc="bad")]))
    assert (line["state"], line["recipient"], line["received"], line["refused"]) == ("pending", "tax_returns", 2, 1)
    path = settings.data_dir / "returns" / "2025-06-30" / "tax.csv"
    manifest = json.loads(path.with_name("tax.csv.manifest.json").read_text(encoding="utf-8"))
    (owed,) = owed_returns(ledger)
    assert manifest["sha256"] == owed["sha256"]
    assert manifest["file"] == "jifen_return_2025-06-30.tax.csv"
    assert manifest["bytes"] == path.stat().st_size
    assert manifest["datasets"][0]["pages"][0]["records"] == 2


def test_a_run_again_or_a_night_without_news_writes_nothing(ledger, night):
    page = [record(), record(uscc="bad")]
    compose_returns(night(DAY, page))
    assert [line["state"] for line in compose_returns(night(DAY))] == ["nothing_new"]
    assert compose_returns(night(NEXT)) == []
    assert [line["state"] for line in compose_returns(night(NEXT, page))] == ["nothing_new"]
    assert len(return_rows(ledger)) == 1


def test_more_of_the_same_night_supersedes_what_was_not_sent_yet(settings, ledger, night):
    compose_returns(night(DAY, [record(), record(uscc="bad")]))
    compose_returns(night(DAY, [record(uscc=OTHER), record(uscc="worse")]))
    states = {row["return_id"]: (row["state"], row["received"]) for row in return_rows(ledger)}
    assert states == {"2025-06-30.tax": ("superseded", 2), "2025-06-30.tax.2": ("pending", 4)}
    assert (settings.data_dir / "returns" / "2025-06-30" / "tax.2.csv").exists()


def test_without_a_sink_a_return_is_kept(ledger, night):
    compose_returns(night(DAY, [record()], sinks=()))
    assert [row["state"] for row in return_rows(ledger)] == ["kept"]
    assert owed_returns(ledger) == []


@pytest.fixture
def pushed(monkeypatch):
    sent = []

    def push(_connection, folder, files, where, _settings):
        sent.append((where, folder, [name for name, _ in files]))
        return []

    monkeypatch.setitem(sys.modules, "connectors.drivers.sftp", SimpleNamespace(push=push))
    return sent


def test_what_is_owed_is_sent_once_file_before_manifest(ledger, night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    assert [line["state"] for line in send_returns(at_night)] == ["sent"]
    name = "jifen_return_2025-06-30.tax.csv"
    assert pushed == [("tax_returns", "returns", [name, f"{name}.manifest.json"])]
    assert send_returns(at_night) == []
    assert return_rows(ledger)[0]["state"] == "sent"


def test_a_file_that_is_not_what_was_written_is_not_sent_and_stays_owed(settings, ledger, night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    path = settings.data_dir / "returns" / "2025-06-30" / "tax.csv"
    path.write_bytes(path.read_bytes() + b"x")
    (line,) = send_returns(at_night)
    assert (line["state"], pushed) == ("pending", [])
    assert "restore it from the backup" in owed_returns(ledger)[0]["last_error"]


def test_a_sink_that_is_gone_leaves_the_return_owed(ledger, night, pushed):
    compose_returns(night(DAY, [record()]))
    (line,) = send_returns(night(DAY, sinks=()))
    assert (line["state"], pushed) == ("pending", [])
    assert "put connectors/sinks/tax_returns.yml back" in owed_returns(ledger)[0]["last_error"]


def test_a_blocked_night_sends_its_returns_and_stays_blocked(night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    blocked = with_returns_sent(at_night, Outcome("blocked", "2025-06-30", None, "the gate blocked."))
    assert (blocked.exit_code, len(pushed)) == (3, 1)
    assert blocked.report["returns_sent"][0]["state"] == "sent"


def test_a_night_without_a_critical_source_still_writes_and_sends_returns(settings, monkeypatch):
    calls = []
    monkeypatch.setattr(recipe, "compose_returns", lambda night: calls.append(("compose", night.as_of)) or [])
    monkeypatch.setattr("flows.returns.send_returns", lambda night: calls.append(("send", night.as_of)) or [])
    failed = Pulled("tax", "statements", True, "failed", whose="agency", message="refused.")

    def never(*_):
        pytest.fail("nothing may be built")

    steps = recipe.Steps(lambda _: [failed], never, never, never, never, never)
    outcome = recipe.run_night(settings, DAY, "plain", steps)
    assert (outcome.exit_code, calls) == (4, [("compose", DAY), ("send", DAY)])


def test_a_good_night_that_could_not_send_a_return_still_owes_it(night):
    at_night = night(DAY, [record()], sinks=())
    compose_returns(night(DAY))
    done = with_returns_sent(at_night, Outcome("nothing_new", "2025-06-30", "e", "edition e stands."))
    assert (done.exit_code, done.owed) == (1, ("tax_returns",))


def test_a_fault_in_one_return_stops_neither_the_night_nor_the_others(night, monkeypatch):
    def broken(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("flows.returns.write_durably", broken)
    at_night = night(DAY, [record()])
    (line,) = compose_returns(at_night)
    assert line["state"] == "failed"
    outcome = Outcome("published", "2025-06-30", "e", "", {"returns": [line]})
    assert with_returns_sent(at_night, outcome).owed == ("return of tax",)


def test_every_sink_for_returns_names_a_source_and_its_own_account():
    sources = {source.name: source for source in read_sources()}
    sinks = [sink for sink in read_sinks() if isinstance(sink, ReturnsSink)]
    assert {sink.source for sink in sinks} == {"bank_a", "bank_b", "talent"}
    for sink in sinks:
        # What goes back goes to whom it came from, and to nobody else.
        assert sink.connection == sources[sink.source].connection


def test_two_sinks_for_the_returns_of_one_source_are_refused(tmp_path):
    text = (SINKS_DIR / "bank_a_returns.yml").read_text(encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gets the returns of bank_a, and so does one"):
        read_sinks(tmp_path)


def test_a_return_holds_only_what_the_agency_itself_sent(settings, ledger, make_dataset, returned):
    tax, bank = make_dataset(load="upsert"), make_dataset(source="bank", load="upsert")
    deliver(settings, ledger, tax, [record(), record(uscc="from-the-tax-office")], day=DAY)
    deliver(settings, ledger, bank, [record(uscc=GOOD), record(uscc="from-the-bank")], day=DAY)
    cells = {cell for row in returned(bank) for cell in row.values()}
    assert any("from-the-bank" in cell for cell in cells)
    assert not any("from-the-tax-office" in cell for cell in cells)
