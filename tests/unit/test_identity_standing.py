"""What staff see of decisions: which the edition was built with, which wait, and what a slip is told."""

import json
from datetime import date

import pytest

from connectors.identity_decisions import IdentityDecision, decisions_file, read_decisions
from connectors.source_files import read_sources
from editions.suggest import REASONS
from ledger.settings import PROJECT_DIR
from tests.unit.refusing import OTHER
from tests.unit.suggested import BY, EDITION_DAY, code_of, commands, sealed, small_edition, write_edition

TEAM = ("science.contest_results", "珂诺电子")
FIRM = ("science.awards", "惠州翎烁电子科技有限公司")
IN_TIME = ("--on", EDITION_DAY)


@pytest.fixture
def edition(tmp_path):
    return small_edition(tmp_path)


@pytest.fixture
def identity(edition, settings, monkeypatch):
    return commands(edition, settings, monkeypatch)


def told_of(run):
    return " ".join((run.stdout + run.stderr).split())


def standings(identity):
    return [one["standing"] for one in json.loads(identity("decisions", "--json").stdout)]


def test_a_decision_of_the_editions_day_written_after_it_was_built_is_not_yet_applied(edition, identity, settings):
    assert identity("decide", *TEAM, "--nobody", *IN_TIME, *BY).exit_code == 0
    assert standings(identity) == ["not yet 尚未生效"]
    assert f"written after edition {edition.name} was built. Next: jifen run" in told_of(identity("decisions"))
    sealed(edition, read_decisions(settings.data_dir, read_sources()))
    assert standings(identity) == ["yes"]
    assert identity("decide", *FIRM, "--nobody", *IN_TIME, *BY).exit_code == 0
    assert standings(identity) == ["yes", "not yet 尚未生效"]


def test_where_the_file_was_changed_by_hand_nobody_says_which_lines_the_edition_knew(edition, identity):
    other = IdentityDecision("science", "awards", "另一个", None, date(2025, 6, 1), "王工", "核对")
    sealed(edition, (other,))
    identity("decide", *TEAM, "--nobody", *IN_TIME, *BY)
    assert standings(identity) == ["not known 无法判断"]
    assert "changed by hand" in told_of(identity("decisions"))


def test_what_was_decided_is_marked_stands_last_and_is_not_asked_for_again(identity):
    identity("decide", *TEAM, "--nobody", *BY)
    told = json.loads(identity("list", "--json").stdout)
    assert [(one["identifier"], one["is_decided"]) for one in told] == [
        ("惠州翎烁电子科技有限公司", False),
        ("HZ-000123", False),
        ("珂诺电子", True),
    ]
    plain = identity("list").stdout
    assert "已决定" in plain
    assert f"Next: jifen identity decide science.awards '{FIRM[1]}'" in plain
    assert identity("list", "--dataset", "contest_results").stdout.endswith("Next: jifen run\n")


def test_another_word_of_the_same_day_names_the_line_that_stands_and_the_same_word_is_no_fault(identity, settings):
    identity("decide", *FIRM, "--uscc", code_of(1), *IN_TIME, *BY)
    before = decisions_file(settings.data_dir).read_bytes()
    other = identity("decide", *FIRM, "--nobody", *IN_TIME, *BY)
    assert other.exit_code == 2
    assert f"already decided on this day ({EDITION_DAY}) as {code_of(1)} (line 2)" in told_of(other)
    assert "correct line 2 by hand" in told_of(other)
    assert "line 3" not in told_of(other)
    again = identity("decide", *FIRM, "--uscc", code_of(1), *IN_TIME, *BY)
    assert (again.exit_code, "decided already (line 2); nothing is written" in told_of(again)) == (0, True)
    assert decisions_file(settings.data_dir).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--reason", "ambigous"), "no reason ambigous; there are ambiguous, not_yet_borne"),
        (("--dataset", "foo"), "there is no dataset foo; there are"),
        (("--dataset", "patent.aplications"), "did you mean patent.applications?"),
        (("--dataset", "credit.repairs"), "its records give an event's number alone"),
    ],
)
def test_a_reason_or_dataset_that_nobody_has_is_no_all_clear(identity, words, told):
    done = identity("list", *words)
    assert (done.exit_code, told in told_of(done)) == (2, True)
    assert "nothing is open" in identity("list", "--reason", "not_yet_borne").stdout


def test_the_reasons_are_those_that_the_list_accepts():
    text = (PROJECT_DIR / "dbt_project/models/marts/_marts__models.yml").read_text(encoding="utf-8")
    assert sum(all(reason in line for reason in REASONS) for line in text.splitlines()) == 1


def test_a_short_name_is_taken_where_one_dataset_has_it_and_a_wrong_one_gets_the_nearest(identity, settings):
    assert identity("decide", "awards", FIRM[1], "--nobody", *IN_TIME, *BY).exit_code == 0
    (one,) = read_decisions(settings.data_dir, read_sources())
    assert (one.source, one.dataset) == ("science", "awards")
    wrong = told_of(identity("decide", "science.award", FIRM[1], "--nobody", *BY))
    assert "did you mean science.awards?" in wrong
    assert "there are" not in wrong
    assert "identity_decisions.csv" not in wrong
    register = told_of(identity("decide", "science.successions", FIRM[1], "--nobody", *BY))
    assert "a list of the register itself" in register


def test_a_code_with_a_wrong_check_character_is_told_what_is_wrong_with_it(identity):
    code = code_of(1)
    typed = code[:-1] + ("0" if code[-1] != "0" else "1")
    done = identity("decide", *FIRM, "--uscc", typed, *BY)
    assert (done.exit_code, "代码有误 The code itself" in told_of(done)) == (2, True)
    assert "The code itself" not in told_of(identity("decide", *FIRM, "--uscc", OTHER, *BY))


def test_what_is_to_be_copied_from_the_list_stands_on_one_line(edition, identity):
    name = "惠州市一个名称很长很长的电子信息科技发展股份有限公司第二研究所"
    (edition / "tables" / "unmatched_records.parquet").unlink()
    (edition / "tables" / "identity_names.parquet").unlink()
    (edition / "tables").rmdir()
    names = [(code_of(1), "惠州珂诺电子科技有限公司", date(2010, 1, 1), None)]
    write_edition(edition, names, [("recognised_products_of_the_province", name, "no_longer_borne", 7)])
    row = next(line for line in identity("list").stdout.splitlines() if name in line)
    assert "science.recognised_products_of_the_province" in row
    assert "no_longer_borne" in row
