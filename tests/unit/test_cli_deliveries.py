"""`jifen deliveries` and `jifen sink` as an operator calls them."""

import json
import os

import pytest
import yaml

from cli import sink, sink_test
from cli.sink_check import check_sinks, contract_columns
from connectors.sink_files import read_sinks
from ledger.deliveries import delivery_row, queue_due, record_composed
from ledger.journal import entries
from ledger.publications import mark_sent, publish
from ledger.runs import exclusive_run, start_run
from ledger.tables import deliveries
from tests import command_line
from tests.unit.test_delivery_stream import DAY, edition


@pytest.fixture
def jifen(settings, ledger):
    """One command on a data folder from which bank_a.1 was sent, and bank_a.2 waits."""
    publish(ledger, edition("e"), start_run(ledger, DAY, "plain"), None, ["bank_a"], [])
    queue_due(ledger, ["bank_a"], "e", "2025-07-01")
    values = {"manifest_sha256": "m", "sha256": "s", "file_name": "p.tar", "ack_due_on": "2025-07-03"}
    record_composed(ledger, "bank_a.1", values, [])
    mark_sent(ledger, deliveries, "bank_a.1")
    queue_due(ledger, ["bank_a"], "e", "2025-07-02")
    env = {**os.environ, "JIFEN_DATA_DIR": str(settings.data_dir), "JIFEN_OPERATOR": "li"}

    def run(*words):
        return command_line.jifen(*words, env=env, cwd=settings.data_dir)

    run.ledger = ledger
    return run


def test_the_list_says_what_was_sent_and_what_waits(jifen):
    rows = json.loads(jifen("deliveries", "list", "--json").stdout)
    assert [(row["delivery_id"], row["state"]) for row in rows] == [("bank_a.2", "pending"), ("bank_a.1", "sent")]


def test_an_answer_by_telephone_is_written_down_with_its_reason(jifen):
    assert jifen("deliveries", "ack", "bank_a.1", "--rejected").returncode == 2
    assert jifen("deliveries", "ack", "bank_a.1", "--rejected", "--why", "totals").returncode == 0
    row = delivery_row(jifen.ledger, "bank_a.1")
    assert (row["ack_state"], row["ack_reason"]) == ("rejected", "totals")
    assert jifen("deliveries", "ack", "bank_a.1", "--accepted").returncode == 1
    assert b"bank_a.1 is rejected, as was known" in jifen("deliveries", "ack", "bank_a.1", "--received").stdout


def test_what_was_not_sent_is_neither_answered_nor_sent_again(jifen):
    assert jifen("deliveries", "ack", "bank_a.2", "--accepted").returncode == 2
    again = jifen("deliveries", "redeliver", "bank_a.2")
    assert (again.returncode, "only what was sent is sent again" in again.stderr.decode()) == (2, True)
    unknown = jifen("deliveries", "show", "bank_a.9")
    assert (unknown.returncode, "jifen deliveries list" in unknown.stderr.decode()) == (1, True)


def test_a_recall_of_a_code_that_is_none_is_not_sent(jifen):
    # A recipient would find no such row, and its sender believe that it was dropped.
    found = jifen("recall", "bank_a", "91110000600037341L", "91110000600037341X", "--why", "a mistake")
    assert (found.returncode, b"91110000600037341X (uscc_check_character)" in found.stderr) == (2, True)
    assert entries(jifen.ledger, "recall") == []


def test_a_package_to_a_recipient_that_is_none_any_more_is_given_up_once_with_its_reason(jifen):
    assert jifen("deliveries", "discard", "bank_a.2", "--why", "no partner any more").returncode == 0
    assert delivery_row(jifen.ledger, "bank_a.2")["state"] == "superseded"
    (kept,) = [entry["content"] for entry in entries(jifen.ledger, "given_up")]
    assert (kept["key"], kept["why"], kept["decided_by"]) == ("bank_a.2", "no partner any more", "li")
    for known in ("bank_a.1", "bank_a.2"):
        assert jifen("deliveries", "discard", known, "--why", "again").returncode == 2


def test_one_delivery_is_shown_as_lines_and_with_json_for_programs(jifen):
    shown = json.loads(jifen("deliveries", "show", "bank_a.2", "--json").stdout)
    assert (shown["state"], shown["path"], shown["manifest"]) == ("pending", None, None)
    lines = dict(
        line.split(maxsplit=1) for line in jifen("deliveries", "show", "bank_a.2").stdout.decode().splitlines()
    )
    assert (lines["delivery_id"], lines["state"]) == ("bank_a.2", "pending")


@pytest.mark.parametrize("what", [("deliveries", "bank_a.2"), ("returns", "2025-06-30.bank_a")])
def test_nothing_is_given_up_while_a_run_may_be_sending_it(jifen, settings, what):
    with exclusive_run(settings.data_dir):
        ran = jifen(what[0], "discard", what[1], "--why", "no partner any more")
    assert (ran.returncode != 0, b"another run holds" in ran.stderr, b"Wait for it" in ran.stderr) == (True,) * 3
    assert delivery_row(jifen.ledger, "bank_a.2")["state"] == "pending"
    assert entries(jifen.ledger, "given_up") == []


def test_receive_wants_keys_or_the_word_that_packages_are_not_sealed(jifen, tmp_path):
    package = tmp_path / "p.tar"
    package.write_bytes(b"")
    ran = jifen("receive", str(package), "--into", str(tmp_path / "in"), "--as", "bank_a")
    assert (ran.returncode, "--unsealed" in ran.stderr.decode()) == (2, True)


def test_a_new_sink_file_is_valid_and_says_what_is_to_be_filled_in_and_which_variables_it_wants(tmp_path, monkeypatch):
    columns = contract_columns()["ext_bank__scores"]
    text = sink._draft("bank_c", {"ext_bank__scores": columns})
    (tmp_path / "bank_c.yml").write_text(text, encoding="utf-8")
    (drafted,) = read_sinks(tmp_path)
    assert drafted.tables["ext_bank__scores"].fields == ("uscc",)
    (found,) = check_sinks([drafted])
    left = ("title.zh", "purposes", "legal_basis", "issuer.en", "ext_bank__scores.score")
    assert (found["state"], [place for place in left if place not in found["message"]]) == ("failed", [])
    assert sink_test.try_sink(drafted)["message"] == found["message"]
    for name in drafted.variables():
        monkeypatch.delenv(name, raising=False)
    assert "BANK_C_OPENPGP_KEYS_FILE" in sink._checked(drafted)["message"]
    assert yaml.safe_load(text)["sealed"]["recipient_keys"] == {"env": "BANK_C_OPENPGP_KEYS_FILE"}


def test_a_new_sink_file_has_a_name_of_small_letters(jifen):
    for name in ("Bank_c", "bank-c", "银行", "7bank", "../bank"):
        assert jifen("sink", "new", name, "--extract", "ext_bank__scores").returncode == 2


def test_a_channel_put_to_the_trial_of_packages_is_told_what_to_call(jifen):
    ran = jifen("sink", "test", "policy_channel")
    assert ran.returncode == 2
    assert "jifen sink check policy_channel" in (ran.stdout + ran.stderr).decode().replace("\n", " ")


def test_a_secret_is_shown_once_with_what_to_do_next(jifen):
    said = jifen("sink", "secret").stdout.decode()
    assert said.count("whsec_") == 1
    assert "jifen sink check" in said.replace("\n", " ")
