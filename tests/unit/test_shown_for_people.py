"""What `jifen programme show` and `jifen edition show` make of rows for people: yuan, plain gaps, a table once."""

import re
import sys
from decimal import Decimal

import pytest
from click import Context
from typer.main import get_command

from cli import show
from cli.app import app
from cli.edition import files_by_name
from cli.programme import for_people
from flows.texts import pasteable


def test_an_offer_says_by_how_much_it_fails_in_the_unit_of_what_fails():
    offer = {
        "need_no": "N1",
        "limit_fen": 100_000_000,
        "amount_gap_fen": 183_000_000,
        "condition_gap": Decimal("10.175800"),
        "term_gap_months": 12,
        "rate_gap_pct": Decimal("0.3000"),
        "collateral_missing": "房产抵押",
        "place": None,
        "barred_zh": None,
        "barred_en": None,
    }
    fails = ("amount", "collateral", "not_eligible", "rate", "rejected", "term", None)
    said = {
        "product_offers": [],
        "need_states": [],
        "need_offers": [{**offer, "product_id": str(fail), "failing": fail} for fail in fails],
        "failed_conditions": [],
    }
    for_people(said)
    gaps = [row["gap"] for row in sorted(said["need_offers"], key=lambda row: fails.index(row["failing"] or None))]
    assert gaps == ["1830000", "房产抵押", "10.1758", "0.3", None, 12, None]
    assert {row["limit_cny"] for row in said["need_offers"]} == {Decimal("1000000.00")}


def test_a_condition_that_fails_says_what_the_enterprise_has_and_what_is_not_known():
    rows = [
        {"is_not_known": False, "text": None, "number": Decimal("34.824200"), "gap": Decimal("10.175800")},
        {"is_not_known": False, "text": "C", "number": None, "gap": None},
        {"is_not_known": True, "text": None, "number": None, "gap": None},
        {"is_not_known": False, "text": None, "number": Decimal("0.000000"), "gap": Decimal("100.000000")},
    ]
    for_people({"product_offers": [], "need_states": [], "need_offers": [], "failed_conditions": rows})
    assert [(row["has"], row["gap"]) for row in rows] == [
        ("34.8242", "10.1758"),
        ("C", None),
        ("未知 not known", None),
        ("0", "100"),
    ]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_json_is_whole_and_coloured_for_terminals_alone(monkeypatch, capsys, is_terminal):
    console = type(show.console)(force_terminal=is_terminal, color_system="standard" if is_terminal else None, width=20)
    monkeypatch.setattr(show, "console", console)
    value = {"税": "[bold]税务[/] :smile: \t\x07 " + "long " * 500, "n": [Decimal("1.50"), None, True], "e": {}}
    value["next"] = "jifen run, then jifen status"
    monkeypatch.setattr(sys, "argv", ['/opt/the "new" one/jifen', "status"])
    show.show_json(value)
    printed = capsys.readouterr().out
    assert ("\x1b[" in printed) is is_terminal
    assert re.sub(r"\x1b\[[0-9;]*m", "", printed) == show.json_text(value) + "\n"


@pytest.mark.parametrize("name", ["error", "last_error"])
def test_what_was_not_sent_is_shown_with_the_reason_from_a_report_and_from_the_ledger(capsys, name):
    show.show_sent({"deliveries": [{"recipient": "bank_a", "state": "pending", name: "its line is dead"}]})
    assert "its line is dead" in capsys.readouterr().out


def test_messages_of_one_edition_are_told_apart(capsys):
    ids = ("2025-06-30-abc.policy_channel.1", "2025-06-30-abc.policy_channel.1.policy_gained")
    show.show_sent({"notices": [{"recipient": "policy_channel", "message_id": one, "state": "sent"} for one in ids]})
    whats = [line.split("│")[2].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert whats == ["notice", "notice policy_gained"]


def test_an_edition_lists_each_table_once_with_its_formats():
    files = [
        {"path": "contracts/a.odcs.yaml", "rows": None, "bytes": 1, "audience": "zone"},
        {"path": "contracts/b.odcs.yaml", "rows": None, "bytes": 2, "audience": "zone"},
        {"path": "tables/a.csv", "rows": 7, "bytes": 30, "audience": "zone"},
        {"path": "tables/a.parquet", "rows": 7, "bytes": 10, "audience": "zone"},
        {"path": "tables/a.xlsx", "rows": None, "bytes": 5, "audience": "zone"},
    ]
    assert [(one["name"], one["kinds"], one["rows"], one["bytes"]) for one in files_by_name(files)] == [
        ("contracts/", "yaml", None, 3),
        ("tables/a", "csv, parquet, xlsx", 7, 45),
    ]


def test_every_command_that_an_error_names_can_be_pasted():
    program = "/srv/jifen/.venv/bin/jifen"
    for name in get_command(app).list_commands(Context(get_command(app))):
        assert pasteable(f"Next: jifen {name}", [program]) == f"Next: {program} {name}", name
