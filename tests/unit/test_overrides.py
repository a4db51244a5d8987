"""Overrides of the gate: two people, each with a key of their own, for a few days, and for what they name."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from expectations.verdict import GateResult, Verdict, decide, overridden
from ledger import journal
from ledger.minisign import SecretKey, new_key, read_secret_key
from ledger.overrides import Override, OverrideError, ask, overrides, overrides_on, read_approvers, sign_override
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import journal as journal_table

ASKED, UNTIL = date(2025, 6, 30), date(2025, 7, 4)
CHECK = "rankings.scores_are_within_0_and_100"


@dataclass(frozen=True)
class People:
    """Two approvers and a stranger, each with a key, and the file that names the approvers."""

    first: SecretKey
    second: SecretKey
    stranger: SecretKey
    file: Path


@pytest.fixture
def people(tmp_path: Path) -> People:
    keys = {}
    for name in ("first", "second", "stranger"):
        new_key(tmp_path / name)
        keys[name] = read_secret_key(tmp_path / name)
    file = tmp_path / "approvers.yml"
    file.write_text(
        f"科技局甲: {keys['first'].public.text}\nBureau B: {keys['second'].public.text}\n", encoding="utf-8"
    )
    return People(keys["first"], keys["second"], keys["stranger"], file)


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    return open_ledger(Settings(data_dir=tmp_path / "data"))


@pytest.fixture
def asked(ledger: Engine) -> str:
    return ask(ledger, [CHECK], "the agency confirmed the figure by letter", ASKED, UNTIL)


def signed(ledger: Engine, override_id: str, people: People, *keys: SecretKey) -> None:
    for key in keys:
        sign_override(ledger, override_id, key, read_approvers(people.file))


def in_force(ledger: Engine, people: People, day: date = ASKED) -> list[str]:
    return [one.override_id for one in overrides_on(ledger, read_approvers(people.file), day)]


def verdict_of(outcome: str, severity: str = "critical") -> Verdict:
    table, name = CHECK.split(".")
    found = GateResult(name, table, severity, outcome, 7, None, "observed 1 of 7", "why")  # type: ignore[arg-type]
    return decide([found, GateResult("other", "points", "critical", "passed", 7, None, "", "why")], ())


def test_two_people_with_keys_of_their_own_make_it_count_and_one_does_not(ledger, people, asked):
    assert in_force(ledger, people) == []
    signed(ledger, asked, people, people.first)
    assert in_force(ledger, people) == []
    signed(ledger, asked, people, people.first)
    assert in_force(ledger, people) == []
    signed(ledger, asked, people, people.second)
    assert in_force(ledger, people) == [asked]
    (found,) = overrides(ledger, read_approvers(people.file))
    assert set(found.signed_by) == {"科技局甲", "Bureau B"}


def test_it_counts_from_the_day_it_was_asked_to_its_last_day(ledger, people, asked):
    signed(ledger, asked, people, people.first, people.second)
    days = {
        day: bool(in_force(ledger, people, date(2025, 6, 29 + day) if day < 2 else date(2025, 7, day)))
        for day in (0, 1, 4, 5)
    }
    assert days == {0: False, 1: True, 4: True, 5: False}


@pytest.mark.parametrize("until", [date(2025, 6, 29), date(2025, 7, 8)])
def test_days_before_or_beyond_a_week_are_refused(ledger, until):
    with pytest.raises(OverrideError, match="7 days at most"):
        ask(ledger, [CHECK], "why", ASKED, until)


def test_without_a_check_or_a_reason_it_is_refused(ledger):
    for checks, why in (([], "why"), ([CHECK], "  ")):
        with pytest.raises(OverrideError, match="and a reason"):
            ask(ledger, checks, why, ASKED, UNTIL)


def test_a_stranger_cannot_sign_and_nobody_signs_what_was_not_asked(ledger, people, asked):
    approvers = read_approvers(people.file)
    with pytest.raises(OverrideError, match="none of the approvers"):
        sign_override(ledger, asked, people.stranger, approvers)
    with pytest.raises(OverrideError, match="there is no override"):
        sign_override(ledger, "0" * 12, people.first, approvers)


def test_an_approver_who_is_taken_off_the_file_no_longer_counts(ledger, people, asked):
    signed(ledger, asked, people, people.first, people.second)
    people.file.write_text(f"科技局甲: {people.first.public.text}\n", encoding="utf-8")
    assert in_force(ledger, people) == []


def test_one_person_is_not_two(people):
    people.file.write_text(f"甲: {people.first.public.text}\n乙: {people.first.public.text}\n", encoding="utf-8")
    with pytest.raises(OverrideError, match="two names have the same key"):
        read_approvers(people.file)
    text = f'Li: {people.first.public.text}\n"li ": {people.second.public.text}\n'
    people.file.write_text(text, encoding="utf-8")
    with pytest.raises(OverrideError, match="two names differ in blanks or letter case alone"):
        read_approvers(people.file)


@pytest.mark.parametrize("content", ["甲: not-a-key\n", "- 甲\n", "甲: [\n", "", "甲:KEY\n"])
def test_an_approvers_file_that_cannot_be_read_is_refused(people, content):
    people.file.write_text(content, encoding="utf-8")
    with pytest.raises(OverrideError):
        read_approvers(people.file)


def test_what_was_signed_cannot_be_widened_afterwards(ledger, people, asked):
    signed(ledger, asked, people, people.first, people.second)
    (row,) = journal.entries(ledger, "override_asked")
    wider = json.dumps({**row["content"], "checks": [CHECK, "points.other"]})
    with ledger.begin() as connection:
        connection.execute(
            update(journal_table).where(journal_table.c.sequence == row["sequence"]).values(content=wider)
        )
    assert in_force(ledger, people) == []
    assert list(journal.breaks(ledger, {}))


@pytest.mark.parametrize(("outcome", "passes"), [("failed", True), ("error", False), ("not_evaluated", False)])
def test_it_lets_pass_what_failed_and_never_what_could_not_be_looked_at(ledger, people, asked, outcome, passes):
    signed(ledger, asked, people, people.first, people.second)
    used = overrides_on(ledger, read_approvers(people.file), ASKED)
    found = overridden(verdict_of(outcome), used)
    assert (found.state == "passed") is passes
    told = found.as_dict()
    assert [one["override_id"] for one in told["overrides"]] == ([asked] if passes else [])
    assert [check["override_id"] for check in told["checks"]] == [asked if passes else None, None]
    sealed = [Override.of(one) for one in json.loads(json.dumps(told["overrides"]))]
    assert overridden(verdict_of(outcome), sealed).as_dict() == told


def test_it_covers_no_other_check_and_is_not_named_where_it_was_not_used(ledger, people):
    other = ask(ledger, ["points.other"], "why", ASKED, UNTIL)
    signed(ledger, other, people, people.first, people.second)
    used = overrides_on(ledger, read_approvers(people.file), ASKED)
    assert overridden(verdict_of("failed"), used).state == "blocked"
    assert overridden(verdict_of("passed"), used).overrides == ()


def test_without_an_approvers_file_nothing_counts(ledger, people, asked):
    signed(ledger, asked, people, people.first, people.second)
    assert overrides_on(ledger, read_approvers(None), ASKED) == []
