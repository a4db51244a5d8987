"""What a bank gets: composed once, the same on every retry, numbered; and what its end refuses."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete, update

from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.sink_files import ExtractSink, read_sinks
from connectors.zone import Zone
from editions import extract
from editions.extract import cut_extract
from editions.package import (
    MANIFEST,
    PackageError,
    TableFile,
    band_of,
    banded,
    drops_file,
    pack,
    read_drops,
    read_table,
    unpack,
)
from editions.package import checked as package_checked
from editions.places import edition_path
from flows import packages
from flows.acks import AckError, answer_of
from flows.deliver import deliver_pending
from flows.night import Night
from flows.recalls import recalls
from flows.receive import STORE, ReceiveError, receive, write_ack
from flows.recipe import _send_all_pending
from flows.redeliver import redeliver
from ledger.deliveries import (
    acknowledge,
    delivery_row,
    delivery_rows,
    late_answers,
    leave_out_unknown,
    queue_due,
    queue_recall,
)
from ledger.files import opened, sweep_parts
from ledger.objections import close_objection, decide_objection, open_objection
from ledger.publications import current_id, give_up, publish
from ledger.runs import start_run
from ledger.settings import PROJECT_DIR
from ledger.tables import deliveries, denials
from tests.unit.small_edition import AS_OF, input_batch, make_candidate, seal_small

(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink) and sink.name == "bank_a"]
SCORES = "ext_bank__scores"
LEFT_OUT = """
recipient consent_valid_from consent_valid_to consent_withdrawn_on data_classes purpose enterprise_name rank_overall
peers_overall rank_in_stage peers_in_stage
"""
TABLE = {
    "fields": ["uscc", "consent_id", "score", "points_total"],
    "omitted": dict.fromkeys(LEFT_OUT.split(), "not wanted"),
}
SINK = ExtractSink.model_validate(
    BANK.model_dump() | {"sealed": None, "unsealed": "a test", "notice": None, "tables": {SCORES: TABLE}}
)
DAYS = [date(2025, 7, 9) + timedelta(days=count) for count in range(5)]


def consents(*rows):
    """SQL for consents to bank_a: id, last day, withdrawn on, number of the enterprise."""
    values = ", ".join(f"('{i}', {t!r}, {w!r}, '{n}')" for i, t, w, n in rows).replace("None", "null")
    return f"""
    create or replace table ext_bank__scores as
    select 'bank_a' as recipient, c.i as consent_id, date '2025-01-01' as consent_valid_from,
        c.t::date as consent_valid_to, c.w::date as consent_withdrawn_on, 'score' as data_classes,
        '授信评估' as purpose, r.uscc, r.enterprise_name, r.score, r.points_total, r.rank_overall,
        r.peers_overall, r.rank_in_stage, r.peers_in_stage
    from (values {values}) c(i, t, w, n) join rankings r on right(r.uscc, 1) = c.n;
    """  # noqa: S608


FIRST = consents(("K1", None, None, 1), ("K2", "2025-07-10", None, 2), ("K3", None, None, 3))


class Bank:
    """An installation with one bank, whose box is a folder; the day is what the test says."""

    def __init__(self, settings, ledger, box, monkeypatch):
        self.settings, self.ledger, self.box, self.sink = settings, ledger, box, SINK
        self.is_away, self.refused, self.day = False, False, DAYS[0]
        self.into = box.parent / "loaded"
        box.mkdir()
        bank = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return cls(bank.day.year, bank.day.month, bank.day.day, 12, tzinfo=tz)

        monkeypatch.setattr("ledger.settings.datetime", Clock)
        driver = SimpleNamespace(push=self.push, fetch=self.fetch)
        monkeypatch.setitem(sys.modules, "connectors.drivers.sftp", driver)

    def push(self, _connection, _folder, files, where, _settings):
        if self.is_away:
            raise TransientError("does not answer.", where, "jifen run")
        if self.refused:
            raise AgencyError("refuses the file.", where, "call them")
        for name, content in files:
            (self.box / name).write_bytes(opened(content).read())

    def fetch(self, _connection, _folder, names, _where, _settings):
        acks = sorted((self.box.parent / "acks").glob("*"))
        return [(path.name, path.read_bytes()) for path in acks if path.name in names]

    @property
    def night(self):
        return Night("run", AS_OF, self.settings, self.ledger, (), (self.sink,), Zone())

    def publish(self, name, changes=FIRST, follows=None, **facts):
        candidate = make_candidate(self.settings.data_dir, f"run-{name}", changes)
        sealed = seal_small(self.settings.data_dir, candidate, name, **facts)
        row = {
            "edition_id": name,
            "as_of": AS_OF.isoformat(),
            "recipe_sha256": "r",
            "kind": "nightly",
            "signed_by": None,
        }
        row |= {"manifest_sha256": sealed.manifest_sha256, "ruleset_id": "national-2024"}
        night = replace(self.night, sinks=(BANK,), follows=follows)
        recalled = tuple(recalls(night, name, candidate.warehouse))
        run_id = start_run(self.ledger, AS_OF, "plain")
        publish(self.ledger, row, run_id, current_id(self.ledger), ["bank_a"], [], recalls=recalled)

    def send(self, day=None):
        self.day = day or self.day
        queue_due(self.ledger, ["bank_a"], current_id(self.ledger), self.day.isoformat())
        return deliver_pending(self.night)

    def packages(self):
        return sorted(self.box.glob("*.tar"))

    def receive(self, package, **how):
        return receive(package, self.into, how.pop("recipient", "bank_a"), None, **how)

    def receive_all(self):
        return [self.receive(package).state for package in self.packages()]

    def loaded(self):
        with sqlite3.connect(self.into / "received.sqlite") as store:
            return {uscc[-1] for (uscc,) in store.execute("select uscc from ext_bank__scores")}

    def rows_of(self, table):
        with sqlite3.connect(self.into / "received.sqlite") as store:
            return store.execute(f"select * from {table}").fetchall()  # noqa: S608

    def manifest(self, number):
        return packages.kept_manifest(self.settings.data_dir, delivery_row(self.ledger, f"bank_a.{number}"))


@pytest.fixture
def bank(settings, ledger, tmp_path, monkeypatch):
    found = Bank(settings, ledger, tmp_path / "box", monkeypatch)
    found.publish("2025-06-30-a")
    return found


def test_a_day_without_news_is_told_as_such_with_the_rows_as_they_stand_that_day(bank):
    for day in DAYS[:3]:
        bank.send(day)
    manifests = [bank.manifest(number) for number in (1, 2, 3)]
    told = [(one["kind"], one["is_unchanged"], one["files"][0]["rows"]) for one in manifests]
    # The consent of the second enterprise ends after the second day: the same edition, a row less.
    assert told == [("edition", False, 3), ("daily", True, 3), ("daily", False, 2)]
    assert bank.receive_all() == ["loaded"] * 3
    assert bank.loaded() == {"1", "3"}


def test_names_sort_by_date_and_number_and_each_delivery_names_the_one_before(bank):
    for day in DAYS[:3]:
        bank.send(day)
    names = [path.name for path in bank.packages()]
    assert names == [f"jifen_bank_a_202507{9 + n:02d}_{n + 1:06d}.tar" for n in range(3)]
    for number in (2, 3):
        row = delivery_row(bank.ledger, f"bank_a.{number - 1}")
        kept = (packages.kept_folder(bank.settings.data_dir, row) / "manifest.json").read_bytes()
        follows = {"number": number - 1, "manifest_sha256": hashlib.sha256(kept).hexdigest()}
        assert bank.manifest(number)["follows"] == follows
        assert bank.manifest(number)["supersedes"] == number - 1


def test_the_same_bytes_go_on_every_retry_and_a_second_send_of_the_day_sends_nothing(bank):
    bank.is_away = True
    (line,) = bank.send()
    assert line["state"] == "pending"
    kept = packages.kept_package(bank.settings.data_dir, delivery_row(bank.ledger, "bank_a.1")).read_bytes()
    bank.is_away = False
    assert [line["state"] for line in bank.send()] == ["sent"]
    assert bank.packages()[0].read_bytes() == kept
    assert bank.send() == []


def test_what_an_earlier_day_composed_and_could_not_send_is_a_gap_that_is_filled(bank):
    bank.send(DAYS[0])
    bank.is_away = True
    bank.send(DAYS[1])
    bank.is_away = False
    bank.send(DAYS[2])
    manifest = bank.manifest(3)
    assert manifest["follows"]["number"] == 1
    lost = delivery_row(bank.ledger, "bank_a.2")
    assert manifest["gaps"] == [{"number": 2, "manifest_sha256": lost["manifest_sha256"]}]
    assert bank.receive_all() == ["loaded", "loaded"]
    assert [row["number"] for row in delivered(bank.into)] == [1, 3]


def test_a_given_up_number_that_arrived_all_the_same_is_followed_too(bank):
    bank.send(DAYS[0])
    bank.is_away = True
    bank.send(DAYS[1])
    lost = delivery_row(bank.ledger, "bank_a.2")
    bank.is_away = False
    # Its answer was lost: it stands in the bank's box.
    (bank.box / lost["file_name"]).write_bytes(packages.kept_package(bank.settings.data_dir, lost).read_bytes())
    bank.send(DAYS[2])
    assert bank.receive_all() == ["loaded"] * 3


def test_a_consent_withdrawn_is_listed_with_its_reason_and_the_bank_drops_the_row(bank):
    bank.send(DAYS[0])
    withdrawn = consents(("K1", None, "2025-07-10", 1), ("K2", "2025-07-10", None, 2), ("K3", None, None, 3))
    bank.publish("2025-06-30-b", withdrawn)
    bank.send(DAYS[1])
    files = unpack(bank.packages()[1].read_bytes())
    (drop,) = read_drops(files["drops.csv"])
    assert drop == {"table": SCORES, "uscc": "91441300MA00000001", "consent_id": "K1", "reason": "withdrawn"}
    bank.receive_all()
    assert bank.loaded() == {"2", "3"}


def test_a_row_of_a_number_that_may_have_arrived_is_dropped_too(bank):
    bank.send(DAYS[0])
    bank.publish("2025-06-30-b", consents(("K4", None, None, 4)))
    bank.is_away = True
    bank.send(DAYS[1])
    bank.publish("2025-06-30-c", consents(("K5", None, None, 5)))
    bank.is_away = False
    bank.send(DAYS[2])
    files = unpack(bank.packages()[-1].read_bytes())
    assert {drop["uscc"][-1] for drop in read_drops(files["drops.csv"])} == {"1", "2", "3", "4"}


def test_the_manifest_says_what_was_held_back_why_it_may_be_used_and_what_must_add_up(bank):
    bank.send(DAYS[2])
    manifest = bank.manifest(1)
    entry, _ = manifest["files"]
    assert manifest["held_back"] == {SCORES: {"expired": 1}}
    assert (manifest["purposes"], manifest["legal_basis"]) == (list(SINK.purposes), SINK.legal_basis)
    assert manifest["edition"]["edition_id"] == "2025-06-30-a"
    assert entry["left_out"] == TABLE["omitted"]
    assert set(entry["sums"]) == {"score", "points_total"}
    codes = "91441300MA00000001\n91441300MA00000003\n"
    assert entry["codes_sha256"] == hashlib.sha256(codes.encode()).hexdigest()


def test_the_manifest_says_how_fresh_each_dataset_is_and_names_no_other_bank(bank):
    inputs = [
        input_batch(),
        input_batch(source="bank_a", dataset="loans", is_stale=True, reason="pull failed"),
        input_batch(source="bank_b", dataset="loans"),
        input_batch(source="bank_b", dataset="applications"),
        input_batch(source="credit", dataset="events"),
    ]
    bank.publish("2025-06-30-b", inputs=tuple(inputs), stale={"credit.events": "published_on is 9 days old"})
    bank.send(DAYS[0])
    day = AS_OF.isoformat()
    assert bank.manifest(2)["inputs"] == [
        {"dataset": "bank_a.loans", "learned_on": day, "is_stale": True},
        {"dataset": "credit.events", "learned_on": day, "is_stale": True},
        {"dataset": "tax.statements", "learned_on": day, "is_stale": False},
    ]


def test_an_enterprise_that_objects_to_its_results_is_marked_until_that_is_settled(bank):
    codes = [f"91441300MA0000000{n}" for n in (1, 2, 3)]
    opened = [open_objection(bank.ledger, "2025-06-30-a", code, "revenue", DAYS[0], 20, "u") for code in codes]
    # The second has no row at the bank from the third day on, and the third is in the wrong.
    decide_objection(bank.ledger, opened[2]["objection_id"], "rejected", "checked", DAYS[1], "u")
    bank.send(DAYS[2])
    assert bank.receive_all() == ["loaded"]
    mark = (codes[0], "2025-06-30-a", "2025-07-09", "2025-07-29")
    assert bank.rows_of("objections") == [mark]
    (row,) = delivery_rows(bank.ledger)
    assert row["rows"] == 2

    decide_objection(bank.ledger, opened[0]["objection_id"], "upheld", "right", DAYS[3], "u")
    bank.send(DAYS[3])
    assert bank.receive_all() == ["known", "loaded"]
    assert bank.rows_of("objections") == [mark]

    bank.publish("2025-06-30-b")
    close_objection(bank.ledger, opened[0]["objection_id"], DAYS[4], "u", "2025-06-30-b")
    bank.send(DAYS[4])
    assert bank.receive_all() == ["known", "known", "loaded"]
    assert bank.rows_of("objections") == []


@pytest.mark.parametrize(("left_out", "key"), [((), ["uscc", "rule"]), (("rule",), None)])
def test_a_whole_table_is_described_with_its_own_key_if_all_of_it_goes(bank, left_out, key):
    columns = extract.extract_columns(edition_path(bank.settings.data_dir, "2025-06-30-a"), "data_flags", "tables")
    fields = [name for name in columns if name not in left_out]
    table = {"fields": fields, "omitted": dict.fromkeys(left_out, "not wanted")}
    office = {"grant": "mandate", "data_classes": ["score"], "tables": {"data_flags": table}}
    bank.sink = ExtractSink.model_validate(SINK.model_dump() | office)
    bank.send()
    (resource,) = json.loads(unpack(bank.packages()[0].read_bytes())["datapackage.json"])["resources"]
    assert resource["schema"].get("primaryKey") == key


def test_plain_programs_check_a_package(bank, tmp_path):
    bank.send()
    subprocess.run(["/usr/bin/env", "tar", "-xf", bank.packages()[0], "-C", tmp_path], check=True)
    check = ["/usr/bin/env", "sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 0
    with (tmp_path / f"{SCORES}.csv").open("ab") as file:
        file.write(b"x")
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_a_kept_package_that_was_changed_is_not_sent(bank):
    bank.is_away = True
    bank.send()
    row = delivery_row(bank.ledger, "bank_a.1")
    path = packages.kept_folder(bank.settings.data_dir, row) / row["file_name"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes() + b"x")
    bank.is_away = False
    (line,) = bank.send()
    assert "is not what was composed" in line["error"]
    assert bank.packages() == []


def test_an_edition_that_is_not_whole_sends_nothing(bank):
    path = bank.settings.data_dir / "editions" / "2025-06-30-a" / "extracts" / f"{SCORES}.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    (line,) = bank.send()
    assert "is not whole" in line["error"]


def test_a_package_goes_again_as_it_was_unless_a_consent_ended_since(bank):
    bank.send(DAYS[0])
    row = delivery_row(bank.ledger, "bank_a.1")
    packages.require_allowed_today(bank.night, SINK, row, "2025-06-30-a", "jifen run")
    bank.day = DAYS[2]
    with pytest.raises(ConfigError, match=r"bank_a\.1 holds rows of 1 enterprises that may not go there on 2025-07-11"):
        packages.require_allowed_today(bank.night, SINK, row, "2025-06-30-a", "jifen run")


NARROW = {
    "fields": ["uscc", "score"],
    "omitted": TABLE["omitted"] | {"consent_id": "not wanted", "points_total": "not wanted"},
}
RANKED = {
    **TABLE,
    "fields": [*TABLE["fields"], "rank_overall"],
    "omitted": {name: why for name, why in TABLE["omitted"].items() if name != "rank_overall"},
}


def sink_of(table=TABLE, **changed):
    return ExtractSink.model_validate(SINK.model_dump() | {"tables": {SCORES: table}} | changed)


def again(bank, monkeypatch, delivery_id="bank_a.1"):
    """Send one again; answers what was left, or why not."""
    monkeypatch.setattr("flows.night.read_sinks", lambda: [bank.sink])
    for path in bank.packages():
        path.unlink()
    told = ""
    try:
        redeliver(bank.settings, delivery_id, "somebody")
    except ConfigError as error:
        told = str(error)
    left = [path.name for path in bank.packages()]
    assert [told.count(word) for word in ("Whose: config", "Next: ")] == ([0, 0] if left else [1, 1])
    return left or told


def test_a_package_is_not_sent_again_once_a_consent_names_less(bank, monkeypatch):
    bank.sink = sink_of(RANKED)
    bank.publish("2025-06-30-b", FIRST.replace("'score' as data_classes", "'score,rank' as data_classes"))
    bank.send()
    assert len(again(bank, monkeypatch, "bank_a.2")) == 1
    # The newest word of the third enterprise names its score alone; the others' stand.
    less = "case c.i when 'K3' then '' else 'rank,' end || 'score'"
    bank.publish("2025-06-30-c", FIRST.replace("'score' as data_classes", f"{less} as data_classes"))
    told = again(bank, monkeypatch, "bank_a.2")
    assert "bank_a.2 holds columns (rank_overall) that may not go there on 2025-07-09: not sent" in told
    assert "Next: jifen run, whose next package supersedes it" in told
    bank.send()
    assert len(again(bank, monkeypatch, "bank_a.3")) == 1


def test_columns_that_a_consent_never_named_keep_nothing_from_going_again(bank, monkeypatch):
    bank.sink = sink_of(RANKED)
    bank.send()
    assert bank.manifest(1)["files"][0]["withheld"] == {"rank_overall": 3}
    assert len(again(bank, monkeypatch)) == 1


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (sink_of(NARROW), r"columns \(consent_id, points_total\)"),
        (sink_of({**TABLE, "bands": {"score": ["60"]}}), r"columns \(score\)"),
        (sink_of(purposes=["授信评估的复核"]), r"rows of 3 enterprises, purposes \(授信评估\)"),
        (sink_of(sealed=BANK.sealed.model_dump(), unsealed=None), "an unsealed file"),
    ],
)
def test_a_package_is_not_sent_again_once_the_sink_file_grants_less(bank, monkeypatch, now, told):
    bank.send()
    bank.sink = now
    assert re.search(f"bank_a.1 holds {told} that may not go there on 2025-07-09", again(bank, monkeypatch))


def test_a_band_goes_again_where_it_is_that_of_now_or_the_number_may_go(bank, monkeypatch):
    bank.sink = sink_of({**TABLE, "bands": {"score": ["60", "70"]}})
    bank.send()
    assert len(again(bank, monkeypatch)) == 1
    bank.sink = SINK
    assert len(again(bank, monkeypatch)) == 1
    bank.sink = sink_of({**TABLE, "bands": {"score": ["60"]}})
    assert "columns (score)" in again(bank, monkeypatch)


def test_a_package_kept_by_codes_alone_counts_as_full_in_every_column(bank, monkeypatch):
    bank.sink = sink_of(RANKED)
    bank.send()
    path = packages.kept_folder(bank.settings.data_dir, delivery_row(bank.ledger, "bank_a.1")) / packages.ROWS
    codes = sorted(packages.codes_of(json.loads(path.read_bytes())[SCORES]))
    path.write_text(json.dumps({SCORES: codes}))
    assert packages.held_codes(bank.night, "bank_a") == set(codes)
    assert "holds columns (rank_overall) that" in again(bank, monkeypatch)


def test_what_waits_is_not_sent_either_once_the_sink_file_grants_less(bank):
    bank.is_away = True
    bank.send()
    bank.is_away, bank.sink = False, sink_of({**TABLE, "bands": {"score": ["60"]}})
    (line,) = bank.send()
    assert "columns (score) that may not go there" in line["error"]
    assert "Next: jifen deliveries discard bank_a.1 --why TEXT, then jifen run" in line["error"]
    give_up(bank.ledger, deliveries, "bank_a.1", "the file says less", "somebody")
    assert [(line["number"], line["state"]) for line in bank.send()] == [(2, "sent")]
    assert bank.manifest(2)["gaps"][0]["number"] == 1


def test_a_recall_has_a_number_of_its_own_and_drops_rows(bank):
    bank.send(DAYS[0])
    with bank.ledger.begin() as connection:
        queue_recall(connection, "bank_a", "2025-06-30-a", ["91441300MA00000003"], "a repaired penalty", "someone")
    assert [line["number"] for line in deliver_pending(bank.night)] == [2]
    manifest = bank.manifest(2)
    assert (manifest["kind"], manifest["why"], manifest["files"]) == ("recall", "a repaired penalty", [])
    bank.receive_all()
    assert bank.loaded() == {"1", "2"}
    bank.send(DAYS[1])
    assert (bank.manifest(3)["follows"]["number"], bank.manifest(3)["supersedes"]) == (2, 1)
    assert bank.receive_all() == ["known", "known", "loaded"]


# --- the bank's end


@pytest.fixture
def three(bank):
    for day in DAYS[:3]:
        bank.send(day)
    return bank


def packed(files, manifest):
    buffer = BytesIO()
    pack(files, manifest, buffer)
    return buffer.getvalue()


def written(table, path, name, form):
    """The bytes of a table's file, and its entry in the manifest."""
    file = TableFile(path, name, form)
    file.write(table)
    return path, file.close()


def changed(package, name, content, resum=False):
    """A package with other bytes in one file, its sums made right again where wanted."""
    files = unpack(package.read_bytes())
    files[name] = content(files[name])
    if resum:
        manifest = json.loads(files["manifest.json"])
        for entry in (*manifest["files"], manifest["drops"]):
            held = files[entry["path"]]
            entry |= {"bytes": len(held), "sha256": hashlib.sha256(held).hexdigest()}
        rest = {name: held for name, held in files.items() if name not in ("manifest.json", "SHA256SUMS")}
        package.write_bytes(packed(rest, manifest))
        return
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, held in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(held)
            tar.addfile(entry, BytesIO(held))
    package.write_bytes(buffer.getvalue())


def delivered(into):
    """Every delivery that was loaded, in its order."""
    if not (into / STORE).exists():
        return []
    with closing(sqlite3.connect(into / STORE)) as store:
        store.row_factory = sqlite3.Row
        return [dict(row) for row in store.execute("select * from deliveries order by number")]


def refused(bank, package, told, **how):
    before = delivered(bank.into)
    with pytest.raises(ReceiveError, match=told):
        bank.receive(package, **how)
    assert delivered(bank.into) == before


def test_a_changed_byte_in_any_file_is_refused(three):
    for name in unpack(three.packages()[0].read_bytes()):
        package = three.box / "spoilt.tar"
        shutil.copy(three.packages()[0], package)
        changed(package, name, lambda held: held[:-2] + bytes([held[-2] ^ 1]) + held[-1:])
        refused(three, package, "Nothing of it was loaded")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda held: held.replace(b"91441300MA00000003", b"91441300MA00000004"), "the codes are not those"),
        (lambda held: held[: held.rindex(b"\n", 0, -1) + 1], "has 2 rows, the manifest says 3"),
        (lambda held: held.replace(b"score,", b"points,", 1), "has the columns"),
    ],
)
def test_control_totals_are_checked_even_where_the_hashes_were_made_right(three, spoil, told):
    package = three.packages()[0]
    changed(package, f"{SCORES}.csv", spoil, resum=True)
    refused(three, package, told)


def test_a_sum_that_does_not_add_up_is_refused(three):
    package = three.packages()[0]

    def raised(held):
        head, *lines = held.decode("utf-8-sig").splitlines()
        cells = lines[0].split(",")
        cells[-1] = str(Decimal(cells[-1]) + 1)
        return ("\ufeff" + "\n".join([head, ",".join(cells), *lines[1:]]) + "\n").encode()

    changed(package, f"{SCORES}.csv", raised, resum=True)
    refused(three, package, "points_total sums to")


def test_another_recipient_is_refused(three):
    refused(three, three.packages()[0], "it is for bank_a, and we are bank_b", recipient="bank_b")


@pytest.mark.parametrize("name", ["deliveries", "dropped", "sqlite_master", "a; drop table deliveries", "A"])
def test_a_table_named_as_what_the_store_keeps_for_itself_is_refused(three, name):
    three.receive(three.packages()[0])
    package = three.box / "other.tar"
    files = unpack(three.packages()[1].read_bytes())
    manifest = json.loads(files["manifest.json"])
    manifest["files"][0]["table"] = name
    rest = {path: held for path, held in files.items() if path not in ("manifest.json", "SHA256SUMS")}
    package.write_bytes(packed(rest, manifest))
    refused(three, package, "which are no names of tables")
    assert three.loaded()


def test_a_row_dropped_from_one_table_leaves_the_notice_that_rests_on_another(three):
    package = three.packages()[0]
    files = unpack(package.read_bytes())
    manifest = json.loads(files["manifest.json"])
    table = pa.table({"uscc": ["91441300MA00000001"], "score": ["9"]})
    path, entry = written(table, three.box / "notices.csv", "notices", "csv")
    files["notices.csv"] = path.read_bytes()
    files["drops.csv"], manifest["drops"] = drops_file(
        [{"table": "ext_bank__other", "uscc": "91441300MA00000001", "consent_id": "K1", "reason": "data_class"}]
    )
    manifest["files"].append(entry)
    rest = {path: held for path, held in files.items() if path not in ("manifest.json", "SHA256SUMS")}
    package.write_bytes(packed(rest, manifest))
    assert three.receive(package).dropped == 1
    with sqlite3.connect(three.into / "received.sqlite") as store:
        assert store.execute("select count(*) from notices").fetchone() == (1,)


def test_a_gap_is_refused_until_the_missing_one_came(three):
    first, second, third = three.packages()
    assert three.receive(first).state == "loaded"
    refused(three, third, "there is a gap: we have 1, and 3 follows 2")
    assert [three.receive(second).state, three.receive(third).state] == ["loaded", "loaded"]


def test_a_replayed_package_is_known_and_a_number_with_other_content_refused(three):
    three.receive_all()
    assert three.receive(three.packages()[0]).state == "known"
    assert three.loaded() == {"1", "3"}
    package = three.box / "again.tar"
    shutil.copy(three.packages()[0], package)
    files = unpack(package.read_bytes())
    manifest = json.loads(files["manifest.json"]) | {"send_date": "2025-07-20"}
    rest = {name: held for name, held in files.items() if name not in ("manifest.json", "SHA256SUMS")}
    package.write_bytes(packed(rest, manifest))
    refused(three, package, "number 1 was received with other content")


def test_a_stream_begins_with_its_first_number_or_where_one_says_so(three):
    refused(three, three.packages()[2], "it follows number 2, and we have none")
    assert three.receive(three.packages()[2], is_first=True).state == "loaded"
    refused(three, three.packages()[0], "number 1 is older than 3")


@pytest.mark.parametrize("name", ["../out.csv", "/etc/x.csv", "a/b.csv", "link"])
def test_a_file_of_another_name_or_a_link_is_refused(three, name):
    package = three.box / "odd.tar"
    with tarfile.open(package, "w") as tar:
        entry = tarfile.TarInfo(name)
        if name == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    refused(three, package, "belongs in no package")


def test_bytes_that_are_no_package_are_refused(three):
    package = three.box / "text.tar"
    package.write_bytes(b"uscc,score\n" * 100)
    refused(three, package, "no tar file")
    shutil.copy(three.packages()[0], package)
    changed(package, "manifest.json", lambda _: b"[" * 100_000)
    refused(three, package, "cannot be loaded .RecursionError")


def test_a_package_that_gnu_tar_made_of_the_same_files_is_loaded(three, tmp_path):
    files = unpack(three.packages()[0].read_bytes())
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    package = three.box / "plain.tar"
    subprocess.run(["/usr/bin/env", "tar", "-cf", package, "-C", tmp_path, *files], check=True)
    assert unpack(package.read_bytes()) == files


def test_no_bit_of_a_package_can_be_changed_unseen():
    files = {"a.csv": b"uscc\n", "b.csv": b"x" * 512, "empty.csv": b""}
    package = packed(files, {})
    held = unpack(package)
    for place in range(len(package)):
        changed = package[:place] + bytes([package[place] ^ 1]) + package[place + 1 :]
        with suppress(PackageError):
            assert unpack(changed) != held, place


KILLED = """
import os, sys
from pathlib import Path
import flows.receive as module
name, after = sys.argv[1].split()[0], "after" in sys.argv[1]
real = getattr(module, name)
def dying(*given):
    if after:
        real(*given)
    os.kill(os.getpid(), 9)
setattr(module, name, dying)
module.receive(Path(sys.argv[2]), Path(sys.argv[3]), "bank_a", None)
"""


@pytest.mark.parametrize("step", ["_keep", "_keep after", "_replace after", "_drop after", "_write_down after"])
def test_killed_at_any_step_a_package_is_loaded_once_by_the_next_try(three, step):
    first, second, _ = three.packages()
    three.receive(first)
    command = [sys.executable, "-c", KILLED, step, str(second), str(three.into)]
    done = subprocess.run(command, cwd=PROJECT_DIR, check=False, env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)})
    assert done.returncode == -9
    assert [row["number"] for row in delivered(three.into)] == [1]
    assert three.loaded() == {"1", "2", "3"}
    assert three.receive(second).state == "loaded"
    assert three.receive(second).state == "known"
    assert [row["number"] for row in delivered(three.into)] == [1, 2]
    assert three.loaded() == {"1", "2", "3"}


@pytest.mark.parametrize("pending", [False, True], ids=["nothing pending", "a package pending"])
def test_a_restored_ledger_uses_no_number_again_that_it_may_have_sent(three, pending):
    three.receive_all()
    later = deliveries.c.number > 1
    # As in a backup of the first day, or of the second before its package was composed.
    with three.ledger.begin() as connection:
        connection.execute(delete(denials).where(denials.c.delivery_id.in_(["bank_a.2", "bank_a.3"])))
        if pending:
            connection.execute(update(deliveries).where(later).values(manifest_sha256=None, state="pending"))
        connection.execute(delete(deliveries).where(deliveries.c.number > 1 + pending))
        leave_out_unknown(connection)
    for day in DAYS[3:]:
        three.send(day)
    first, second = three.packages()[3:]
    manifest = three.manifest(102 + pending)
    assert (manifest["follows"]["number"], {gap["is_unknown"] for gap in manifest["gaps"]}) == (1, {True})
    assert [gap["number"] for gap in manifest["gaps"]] == [*range(2, 102 + pending)]
    assert [three.receive(one).state for one in (first, second)] == ["loaded", "loaded"]
    assert three.manifest(103 + pending)["gaps"] == []
    assert three.loaded() == {"1", "3"}


def test_while_consents_are_held_nothing_is_sent_by_them_until_a_person_decides(bank, monkeypatch):
    held = {"source": "science", "dataset": "consents", "as_of": "2025-07-09", "content_sha256": "a", "decision": None}
    rejected = {"action": "rejected", "content_sha256": "a"}
    for rows in ([held], [{**held, "decision": {**rejected, "action": "accepted"}}]):
        monkeypatch.setattr(packages, "held_batches", lambda _, rows=rows: rows)
        (line,) = bank.send()
        assert "jifen source held science.consents" in line["error"]
    monkeypatch.setattr(packages, "held_batches", lambda _: [{**held, "content_sha256": "b", "decision": rejected}])
    assert bank.send()[0]["state"] == "pending", "another delivery than the one that was rejected"
    by_office = SINK.model_copy(update={"grant": "mandate"})
    packages.cut_tables(bank.night, by_office.model_copy(update={"tables": {}}), "2025-06-30-a", DAYS[0])
    monkeypatch.setattr(packages, "held_batches", lambda _: [{**held, "decision": rejected}])
    assert bank.send()[0]["state"] == "sent"


# --- answers


def test_an_answer_names_the_manifest_and_another_one_is_refused(three, tmp_path):
    received = three.receive(three.packages()[0])
    row = delivery_row(three.ledger, "bank_a.1")
    body = write_ack(received, tmp_path / "acks", "bank_a", "rejected", "totals").read_bytes()
    assert answer_of(row, body) == ("rejected", "totals")
    for wrong in ({"manifest_sha256": "0" * 64}, {"number": 2}, {"recipient": "bank_b"}):
        with pytest.raises(AckError, match="names another recipient, number or manifest"):
            answer_of(row, json.dumps({**json.loads(body), **wrong}).encode())
    for wrong in (b"", b"[]", b"{}", b'{"state": 1}', b"[" * 100_000):
        with pytest.raises(AckError, match="is no answer"):
            answer_of(row, wrong)
    with pytest.raises(AckError, match="it is not in UTF-8"):
        answer_of(row, body.replace(b"totals", "汇总不符".encode("gbk")))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_answer_may_be_written_as_other_programs_write_it(three, encoding):
    row = delivery_row(three.ledger, "bank_a.1")
    said = {
        "recipient": "bank_a",
        "number": "1",
        "manifest_sha256": row["manifest_sha256"].upper(),
        "state": "Accepted ",
    }
    assert answer_of(row, json.dumps(said).encode(encoding)) == ("accepted", None)


def test_answers_that_cannot_be_read_and_a_later_no_are_told(three, tmp_path):
    for number in (1, 2, 3):
        acknowledge(three.ledger, f"bank_a.{number}", "accepted", None, "bank_a")
    received = [three.receive(package) for package in three.packages()]
    for one in received:
        write_ack(one, tmp_path / "acks", "bank_a", "rejected", "totals")
    three.day, report = DAYS[2], {}
    _send_all_pending(three.night, SimpleNamespace(deliver=deliver_pending, notify=lambda _: []), report)
    (told,) = report["late_acks"]
    assert "bank_a.3 was accepted and is now reported as rejected" in told

    def refuse(*_):
        raise AgencyError("may not list folder acks.", "bank_a", "ask for the right to read it")

    three.fetch = sys.modules["connectors.drivers.sftp"].fetch = refuse
    _send_all_pending(three.night, SimpleNamespace(deliver=deliver_pending, notify=lambda _: []), report)
    (told,) = report["late_acks"]
    assert "bank_a: its answers cannot be read; bank_a: may not list folder acks." in told
    three.day, three.refused = DAYS[3], True
    _send_all_pending(three.night, SimpleNamespace(deliver=deliver_pending, notify=lambda _: []), report)
    assert report["late_acks"] == []


def test_a_reason_is_kept_without_what_a_terminal_cannot_show(three, tmp_path):
    row = delivery_row(three.ledger, "bank_a.1")
    body = write_ack(three.receive(three.packages()[0]), tmp_path / "acks", "bank_a", "rejected", "x").read_bytes()
    hostile = json.dumps({**json.loads(body), "reason": "a\nb\x00\ud800\x1b[2J"}).encode()
    assert answer_of(row, hostile) == ("rejected", "a b[2J")


def test_a_late_answer_and_a_no_are_told_with_what_to_do(three):
    assert late_answers(three.night.ledger, three.night.settings.today) == []
    three.day = DAYS[4] + timedelta(days=7)
    assert len(late_answers(three.night.ledger, three.night.settings.today)) == 3
    for number in (1, 2):
        acknowledge(three.ledger, f"bank_a.{number}", "accepted", None, "bank_a")
    acknowledge(three.ledger, "bank_a.3", "rejected", "totals", "bank_a")
    (told,) = late_answers(three.night.ledger, three.night.settings.today)
    assert "bank_a rejected bank_a.3: totals" in told
    assert "Next: " in told


def test_a_night_reads_answers_first_and_operators_hear_of_one_that_names_another_manifest(three, tmp_path):
    received = [three.receive(package) for package in three.packages()]
    write_ack(received[0], tmp_path / "acks", "bank_a", "accepted")
    write_ack(replace(received[1], manifest_sha256="0" * 64), tmp_path / "acks", "bank_a", "accepted")
    write_ack(received[2], tmp_path / "acks", "bank_a", "rejected", "totals")
    report = {}
    three.day = DAYS[3]
    _send_all_pending(three.night, SimpleNamespace(deliver=deliver_pending, notify=lambda _: []), report)
    no, wrong = report["late_acks"]
    assert "bank_a rejected bank_a.3: totals" in no
    assert "the answer to bank_a.2: names another recipient, number or manifest" in wrong
    # What it just said no to is no number to follow.
    assert (three.manifest(4)["follows"]["number"], [gap["number"] for gap in three.manifest(4)["gaps"]]) == (2, [3])


def test_what_was_rejected_today_goes_anew_today_under_the_next_number(bank):
    bank.send()
    acknowledge(bank.ledger, "bank_a.1", "rejected", "totals", "bank_a")
    assert [line["number"] for line in bank.send()] == [2]
    assert bank.send() == []
    assert (bank.manifest(2)["follows"], [gap["number"] for gap in bank.manifest(2)["gaps"]]) == (None, [1])
    assert bank.receive(bank.packages()[1]).state == "loaded"


# --- tables in each format; bands


ROWS = pa.table(
    {
        "uscc": pa.array(["91441300MA00000001", "91441300MA00000002"]),
        "enterprise_name": pa.array(["龘科技, 有限公司", "=1+1"]),
        "score": pa.array([Decimal("61.5000"), None], pa.decimal128(9, 4)),
        "rank": pa.array([1, None], pa.int64()),
        "is_good": pa.array([True, None]),
        "as_of": pa.array([date(2025, 6, 30), None]),
    }
)


@pytest.mark.parametrize(
    ("form", "suffix"), [("csv", "csv"), ("csv-gb18030", "csv"), ("parquet", "parquet"), ("xlsx", "xlsx")]
)
def test_each_format_is_the_same_twice_and_read_back_with_its_totals(form, suffix, tmp_path):
    path, entry = written(ROWS, tmp_path / f"list.{suffix}", "list", form)
    content = path.read_bytes()
    assert written(ROWS, path, "list", form)[0].read_bytes() == content
    assert entry["sums"] == {"score": "61.5000", "rank": "1"}
    first, second = read_table(entry, content, form)
    assert first["enterprise_name"] == "龘科技, 有限公司"
    assert Decimal(first["score"]) == Decimal("61.5")
    assert second["score"] is None
    if suffix == "csv":
        encoding = "utf-8-sig" if form == "csv" else "gb18030"
        assert "'=1+1" in content.decode(encoding)
        assert content.startswith(b"\xef\xbb\xbf") == (form == "csv")


@pytest.mark.parametrize("form", ["csv", "csv-gb18030"])
def test_a_table_written_in_pieces_is_the_same_file_with_the_same_totals(form, tmp_path):
    whole, entry = written(ROWS, tmp_path / "list.csv", "list", form)
    content = whole.read_bytes()
    file = TableFile(whole, "list", form)
    for piece in (ROWS.slice(0, 0), ROWS.slice(0, 1), ROWS.slice(1)):
        file.write(piece)
    assert file.close() == entry
    assert whole.read_bytes() == content


def test_rows_are_cut_in_pieces_of_one_order(bank, monkeypatch):
    bank.send(DAYS[0])
    monkeypatch.setattr(extract, "PIECE_ROWS", 2048)
    folder = bank.settings.data_dir / "editions" / "2025-06-30-a"
    cut = cut_extract(folder, "bank_a", ["uscc", "score"], DAYS[0], purposes=BANK.purposes)
    assert [piece.num_rows for piece in cut.pieces()] == [0, 3]
    assert sorted(packages.codes_of(cut.cells())) == cut.table["uscc"].to_pylist()


def test_what_a_kill_left_of_a_package_that_was_being_made_is_swept(bank):
    bank.send(DAYS[0])
    making = packages.kept_folder(bank.settings.data_dir, delivery_row(bank.ledger, "bank_a.1")) / ".making.part"
    making.mkdir()
    (making / "x.csv").write_bytes(b"uscc")
    assert sweep_parts(bank.settings.data_dir) == 1
    assert sorted(path.name for path in making.parent.iterdir()) == [
        "jifen_bank_a_20250709_000001.tar",
        "manifest.json",
        "rows.json",
    ]


def test_a_workbook_is_for_small_lists(tmp_path):
    long = pa.table({"uscc": pa.array(["x"] * 10_001)})
    with pytest.raises(PackageError, match="10000 at most"):
        written(long, tmp_path / "list.xlsx", "list", "xlsx")


def test_a_number_is_sent_as_its_band_and_an_edge_belongs_to_the_band_above():
    edges = [Decimal(60), Decimal(70)]
    found = [band_of(Decimal(text), edges) for text in ("59.9999", "60", "69.9", "70")]
    assert found == ["<60", "60-70", "60-70", ">=70"]
    assert banded(ROWS, {"score": edges})["score"].to_pylist() == ["60-70", None]


# --- nothing outside the grant, ever

CLASSES = {"score": "score", "points_total": "score", "rank_overall": "rank", "revenue_band": "revenue_band"}
days = st.dates(date(2025, 1, 1), date(2025, 1, 8))
consent = st.fixed_dictionaries(
    {
        "recipient": st.sampled_from(["bank_a", "bank_b"]),
        "uscc": st.sampled_from(["u1", "u2", "u3"]),
        "consent_valid_from": days,
        "consent_valid_to": st.none() | days,
        "consent_withdrawn_on": st.none() | days,
        "data_classes": st.lists(st.sampled_from(["score", "rank", "revenue_band"]), unique=True).map(",".join),
        "purpose": st.sampled_from(["授信评估", "营销"]),
    }
)


FACTS = {"score": Decimal("61.5"), "points_total": Decimal("10.5"), "rank_overall": 3, "revenue_band": "<20M"}


def write_extract(edition, rows):
    """A folder that holds the extract alone, which is all that is read of an edition."""
    (edition / "extracts").mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([{**one, **FACTS} for one in rows]).select(SCHEMA.names).cast(SCHEMA)
    pq.write_table(table, edition / "extracts" / f"{SCORES}.parquet")


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_by=st.lists(consent, min_size=1, max_size=8),
    fields=st.lists(st.sampled_from(list(CLASSES)), min_size=1, unique=True),
    today=days,
)
def test_no_row_and_no_column_outside_the_grant_leaves_ever(tmp_path, given_by, fields, today):
    rows = [{**one, "consent_id": f"K{place}"} for place, one in enumerate(given_by)]
    write_extract(tmp_path / "edition", rows)
    names = ["uscc", "consent_id", *fields]
    cut = cut_extract(tmp_path / "edition", "bank_a", names, today, purposes=["授信评估"])
    table = banded(cut.table, {"score": [Decimal(60)]} if "score" in names else {})
    path, entry = written(table, tmp_path / f"{SCORES}.csv", SCORES, "csv")
    drops, dropped = drops_file([])
    manifest = {"format": 1, "files": [entry], "drops": dropped}
    files = {f"{SCORES}.csv": path, "drops.csv": drops, "datapackage.json": b"{}"}
    held = unpack(packed(files, manifest))
    entry = package_checked(held)["files"][0]
    by_id = {one["consent_id"]: one for one in rows}
    for row in read_table(entry, held[f"{SCORES}.csv"], "csv"):
        assert list(row) == names
        one = by_id[row["consent_id"]]
        assert (one["recipient"], one["purpose"], one["uscc"]) == ("bank_a", "授信评估", row["uscc"])
        assert one["consent_valid_from"] <= today <= (one["consent_valid_to"] or today)
        word_of = ("recipient", "uscc", "purpose")
        of_it = [other for other in rows if all(other[name] == one[name] for name in word_of)]
        withdrawn = [other["consent_withdrawn_on"] for other in of_it if other["consent_withdrawn_on"]]
        # No withdrawal that is in force is younger than the word that the row goes by.
        assert not any(one["consent_valid_from"] <= day <= today for day in withdrawn)
        named = one["data_classes"].split(",")
        assert {name for name in fields if row[name] is not None} == {name for name in fields if CLASSES[name] in named}
        assert set(named) & {CLASSES[name] for name in fields}


def granting(fields, is_banded):
    """A sink file that grants these columns, the score as a band where one says so."""
    names = ["uscc", "consent_id", *fields]
    omitted = dict.fromkeys(set(SCHEMA.names) - set(names), "not wanted")
    bands = {"score": ["60"]} if is_banded and "score" in fields else {}
    return sink_of({"fields": names, "omitted": omitted, "bands": bands})


def stands(one, rows, today):
    """Whether a consent is the newest word on what it is about, and in force; by the text of the rules alone.

    One that was withdrawn before it began was never given: its withdrawal is a word of that day, its beginning none.
    """
    of_it = [other for other in rows if all(other[name] == one[name] for name in ("recipient", "uscc", "purpose"))]
    ended = [gone for other in of_it if (gone := other["consent_withdrawn_on"]) and gone <= today]
    given = [other for other in of_it if (other["consent_withdrawn_on"] or today) >= other["consent_valid_from"]]
    newer = [other for other in given if one["consent_valid_from"] < other["consent_valid_from"] <= today]
    begun, gone = one["consent_valid_from"], one["consent_withdrawn_on"]
    is_in_force = begun <= today <= (one["consent_valid_to"] or today) and not (gone and gone <= today)
    return is_in_force and not newer and all(gone < begun for gone in ended)


grants = st.tuples(st.lists(st.sampled_from(list(CLASSES)), min_size=1, unique=True), st.booleans())


@examples(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_by=st.lists(consent, min_size=1, max_size=6),
    later=st.lists(consent, max_size=2),
    then=grants,
    changed_to=st.none() | grants,
    sent_on=days,
    days_after=st.integers(0, 3),
)
def test_no_row_and_no_column_outside_the_grant_of_the_day_goes_again_ever(
    tmp_path, given_by, later, then, changed_to, sent_on, days_after
):
    rows = [{**one, "consent_id": f"K{place}"} for place, one in enumerate((*given_by, *later))]
    write_extract(tmp_path / "editions" / "then", rows[: len(given_by)])
    write_extract(tmp_path / "editions" / "now", rows)
    before, now, today = granting(*then), granting(*(changed_to or then)), sent_on + timedelta(days_after)
    night = SimpleNamespace(settings=SimpleNamespace(data_dir=tmp_path, today=today))
    row = {"delivery_id": "bank_a.1", "recipient": "bank_a", "number": 1, "kind": "daily", "file_name": "p.tar"}
    kept = packages.kept_folder(tmp_path, row)
    kept.mkdir(parents=True, exist_ok=True)
    with patch.object(packages, "require_sealed"), patch.object(packages, "_require_consents_stand"):
        cut = packages.cut_tables(night, before, "then", sent_on)[SCORES]
        bands = packages.bands_as_text(before.tables[SCORES].bands)
        entry = {"path": f"{SCORES}.csv", "table": SCORES, "columns": cut.table.column_names, "bands": bands}
        manifest = {"files": [entry], "purposes": before.purposes, "data_classes": []}
        (kept / MANIFEST).write_text(json.dumps(manifest))
        (kept / packages.ROWS).write_text(json.dumps({SCORES: cut.cells()}))
        try:
            packages.require_allowed_today(night, now, row, "now", "jifen run")
        except ConfigError:
            assert later or changed_to or days_after
            return
    for sent in cut.table.to_pylist():
        filled = {name for name, value in sent.items() if value is not None}
        assert filled <= set(now.tables[SCORES].fields)
        assert "score" not in filled or not now.tables[SCORES].bands or bands
        classes = {CLASSES[name] for name in filled & CLASSES.keys()}
        assert any(
            (one["recipient"], one["uscc"], one["purpose"]) == ("bank_a", sent["uscc"], "授信评估")
            and stands(one, rows, today)
            and classes <= set(one["data_classes"].split(","))
            for one in rows
        )


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("recipient", "uscc")),
        *((name, pa.date32()) for name in ("consent_valid_from", "consent_valid_to", "consent_withdrawn_on")),
        *((name, pa.string()) for name in ("data_classes", "purpose", "consent_id")),
        ("score", pa.decimal128(9, 4)),
        ("points_total", pa.decimal128(18, 6)),
        ("rank_overall", pa.int64()),
        ("revenue_band", pa.string()),
    ]
)


def reported(penalties, repaired="", known_on=AS_OF):
    """SQL: the first enterprise has so many penalties in its credit report; `repaired` had one repaired, known then."""
    return f"""
    update credit_reports set uscc = (select min(uscc) from rankings), published_penalties = {penalties}
    where uscc = 'a';
    create table int_enterprises__repaired as
    select uscc, true as is_decided, date '{known_on}' as known_on from rankings where right(uscc, 1) = '{repaired}';
    """  # noqa: S608


def test_a_recall_gives_up_what_waits_and_the_next_run_sends_the_day_anew(bank):
    bank.send()
    bank.receive(bank.packages()[-1])
    bank.is_away = True
    assert [line["state"] for line in bank.send(DAYS[1])] == ["pending"]
    bank.is_away = False
    with bank.ledger.begin() as connection:
        queue_recall(connection, "bank_a", "2025-06-30-a", ["91441300MA00000003"], "a mistake", "someone")
    assert [line["number"] for line in bank.send()] == [3, 4]
    loaded = [bank.receive(package) for package in bank.packages()[1:]]
    assert [(one.number, one.state) for one in loaded] == [(3, "loaded"), (4, "loaded")]
    assert [row["state"] for row in delivery_rows(bank.ledger)] == ["sent", "sent", "superseded", "sent"]


def test_nothing_leaves_before_a_number_that_could_not(bank):
    bank.send()
    with bank.ledger.begin() as connection:
        queue_recall(connection, "bank_a", "2025-06-30-a", ["91441300MA00000003"], "a mistake", "someone")
    bank.refused = True
    assert [line["state"] for line in bank.send(DAYS[1])] == ["pending", "pending"]
    assert [row["attempts"] for row in delivery_rows(bank.ledger)] == [0, 1, 1]
    bank.refused = False
    assert [line["number"] for line in bank.send()] == [2, 3]


def test_what_a_bank_lost_and_may_not_get_again_is_a_gap_of_the_next(bank):
    bank.send()
    bank.receive(bank.packages()[0])
    bank.send(DAYS[1])
    bank.send(DAYS[2])
    with pytest.raises(ReceiveError, match="there is a gap"):
        bank.receive(bank.packages()[2])
    acknowledge(bank.ledger, "bank_a.2", "rejected", "lost", "someone")
    bank.send(DAYS[3])
    assert bank.receive(bank.packages()[3]).state == "loaded"
    kept = packages.kept_manifest(bank.settings.data_dir, delivery_row(bank.ledger, "bank_a.4"))
    assert (kept["follows"]["number"], [gap["number"] for gap in kept["gaps"]]) == (1, [2, 3])
    # K2 ended between the first and the second: the bank never saw that it was dropped there.
    drops = read_drops(unpack(bank.packages()[3].read_bytes())["drops.csv"])
    assert [(one["uscc"][-1], one["reason"]) for one in drops] == [("2", "expired")]


def test_a_repaired_penalty_is_recalled_from_whoever_holds_it_before_the_edition_without_it(bank):
    bank.publish("2025-06-30-b", FIRST + reported(1))
    bank.send()
    bank.publish("2025-06-30-c", FIRST + reported(0, 1), follows="2025-06-30-b")
    bank.send()
    manifests = [bank.manifest(number) for number in (2, 3, 4)]
    drops = list(read_drops(unpack(bank.packages()[1].read_bytes())["drops.csv"]))
    assert [one["kind"] for one in manifests] == ["edition", "recall", "edition"]
    assert "信用修复" in manifests[1]["why"]
    assert {(one["table"], one["reason"]) for one in drops} == {(SCORES, "recalled")}
    assert [one["uscc"][-1] for one in drops] == ["1"]
    assert bank.receive_all()[-2:] == ["loaded", "loaded"]
    assert bank.loaded() == {"1", "2", "3"}


def test_nothing_is_recalled_where_the_recipient_never_had_the_row_or_the_entry_only_expired(bank):
    bank.publish("2025-06-30-b", consents(("K3", None, None, 3)) + reported(1))
    bank.send()
    bank.publish("2025-06-30-c", consents(("K3", None, None, 3)) + reported(0, 1), follows="2025-06-30-b")
    bank.publish("2025-06-30-d", FIRST + reported(0), follows="2025-06-30-b")
    assert {row["kind"] for row in delivery_rows(bank.ledger)} == {"edition"}


@pytest.mark.parametrize(("before", "after"), [("null", 0), (1, 1), (1, "null")])
def test_a_repair_is_recalled_though_a_count_is_not_known_or_another_entry_came(bank, before, after):
    bank.publish("2025-06-30-b", FIRST + reported(before))
    bank.send()
    bank.publish("2025-06-30-c", FIRST + reported(after, 1, DAYS[0]), follows="2025-06-30-b")
    assert [row["note"]["codes"][0][-1] for row in delivery_rows(bank.ledger) if row["kind"] == "recall"] == ["1"]


def test_an_entry_that_expires_years_after_another_was_repaired_is_no_repair(bank):
    bank.publish("2025-06-30-b", FIRST + reported(1))
    bank.send()
    bank.publish("2025-06-30-c", FIRST + reported(0, 1, date(2023, 1, 1)), follows="2025-06-30-b")
    assert {row["kind"] for row in delivery_rows(bank.ledger)} == {"edition"}


def test_a_recall_waits_until_what_the_recipient_holds_is_known_again(bank):
    bank.publish("2025-06-30-b", consents(("K1", None, None, 1)) + reported(1))
    bank.send()
    kept = packages.kept_folder(bank.settings.data_dir, delivery_row(bank.ledger, "bank_a.2")) / packages.ROWS
    content = kept.read_bytes()
    kept.unlink()
    of_two = reported(0, 1, DAYS[0]).replace("right(uscc, 1) = '1'", "right(uscc, 1) in ('1', '2')")
    bank.publish("2025-06-30-c", FIRST + of_two, "2025-06-30-b")
    (recall,) = [row for row in delivery_rows(bank.ledger) if row["kind"] == "recall"]
    assert [uscc[-1] for uscc in recall["note"]["codes"]] == ["1", "2"]
    assert [line["state"] for line in bank.send()] == ["pending", "pending"]
    kept.write_bytes(content)
    assert [line["state"] for line in bank.send()] == ["sent", "sent"]
    drops = read_drops(unpack(bank.packages()[1].read_bytes())["drops.csv"])
    assert [drop["uscc"][-1] for drop in drops] == ["1"]
