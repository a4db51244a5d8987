"""`jifen explain` in careless hands: codes as they are typed, damaged editions, names that would move the cursor."""

import itertools
import json
import re
import shutil
import sys

import pytest

from cli.entry import report
from cli.explain import run
from cli.explain_text import WORDS_FILE, in_words
from connectors.raw import keep_raw
from ledger.settings import PROJECT_DIR
from tests.unit.explained import COUNTED, EVIDENCED, FIRST, MORE, PAGE, seal_one

CODE = "91441300MA0000017L"
TAKES_ITS_CODE = """
update enterprises set uscc = '<code>' where uscc = '<first>'; update points set uscc = '<code>' where uscc = '<first>';
update rankings set uscc = '<code>' where uscc = '<first>'; update reasons set uscc = '<code>' where uscc = '<first>';
""".replace("<code>", CODE).replace("<first>", FIRST)
ACTS = "chr(27) || '[2J' || chr(8238) || chr(13) || chr(10) || '[red]甲[/red]' || chr(7)"
HOSTILE_NAMES = """
update enterprises set enterprise_name = <acts>;
update rankings set enterprise_name = <acts>, unranked_reason = <acts>, is_ranked = uscc not like '%2';
update indicators set name_zh = <acts>, name_en = <acts>;
update reasons set reason_zh = <acts>, reason_en = <acts>, change_en = <acts>;
update points set unit = <acts>, bin = <acts>;
update class_totals set class_zh = <acts>, module = <acts>;
update verdicts set name_zh = <acts>, condition_code = <acts>;
update data_flags set detail_zh = <acts>, rule = <acts>, severity = <acts>;
update stages set name_zh = <acts>;
update evidence set record_ref = <acts>, source = <acts>, dataset = <acts>;
update levels set name_zh = <acts>;
""".replace("<acts>", ACTS)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """One whole edition, sealed once; a test has a copy."""
    folder = tmp_path_factory.mktemp("sealed")
    page = keep_raw(folder, PAGE)
    seal_one(folder, "2025-06-30-aaa", COUNTED + EVIDENCED.replace("<page>", page), None, MORE)
    return folder


@pytest.fixture
def edition(sealed, tmp_path, monkeypatch):
    """That edition, current in the data folder that the environment names."""
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sealed, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "editions" / "2025-06-30-aaa"


@pytest.fixture
def asked(capfd, monkeypatch):
    def ask(*words):
        monkeypatch.setattr(sys, "argv", ["jifen", "explain", *words])
        try:
            code = run(["explain", *words])
        except Exception as error:  # noqa: BLE001 - as the command line reports it
            code = report(error)
        said = capfd.readouterr()
        return code, said.out, said.err

    return ask


def test_a_code_is_found_however_it_is_typed(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    seal_one(tmp_path, "2025-06-30-aaa", COUNTED + TAKES_ITS_CODE)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in CODE)
    for typed in (CODE.lower(), f"  {CODE}\t", "91441300 MA0000 017L", wide, "91441300mａ0000017L\u3000"):
        code, out, err = asked(typed, "--indicator", "ｃ０１ ")
        assert (typed, code, err) == (typed, 0, "")
        assert out.startswith(f"甲科技有限公司 {CODE}")


NOBODY = {
    "914413O0MA0000017L": f"{CODE} may be meant",
    "91441300MA00000171": "校验",
    "甲科技有限公司": "18位",
    "' or 1=1 --": "18位",
    "91441300MA0000000\x00": "none of the 7 enterprises",
    "": "18位",
    CODE: "none of the 7 enterprises of edition 2025-06-30-aaa",
}
"""A code that nobody has, and what is told of it."""


@pytest.mark.usefixtures("edition")
def test_what_there_is_not_is_told_with_what_is_wrong_and_what_next(asked):
    whose = ("Whose: data",)
    cases = [((typed,), (told, "enterprises.csv", "jifen edition list")) for typed, told in NOBODY.items()]
    no_indicator = ("no indicator of rule set national-2024", "there are: C01, C09", "Next: jifen explain")
    cases += [((FIRST, "--indicator", code), no_indicator) for code in ("C77", "", "C01; drop table x", "\x1b[2J")]
    names = ("2025-06-29-gone", "", "../../etc", "current", "\x1b[2J")
    cases += [((FIRST, "--edition", name), ("not_found", "jifen edition list")) for name in names]
    for words, told in cases:
        code, out, err = asked(*words)
        assert (words, code, out) == (words, 1, "")
        assert [part for part in (*told, *whose) if part not in err] == [], err
        assert (err.count("\n"), "\x1b" in err) == (1, False)


@pytest.mark.parametrize("words", [(FIRST, "\x1b[2J"), (FIRST, "--\x1b[2J"), (), (FIRST, "--raw")])
def test_misuse_ends_with_two_and_repeats_nothing_that_would_act(capfd, words):
    with pytest.raises(SystemExit) as ended:
        run(["explain", *words])
    said = capfd.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "usage: jifen [--data-dir DIR] explain USCC" in said.err
    assert "\x1b" not in said.err


@pytest.mark.parametrize("name", ["manifest.json", "tables/points.parquet", "tables/stages.parquet"])
def test_a_damaged_edition_says_which_file_and_how_to_verify(edition, asked, name):
    file = edition / name
    file.chmod(0o644)
    file.write_bytes(b"[]")
    code, out, err = asked(FIRST)
    assert (code, out) == (1, "")
    for part in ("unreadable", str(file), "Whose: data", "Next: jifen edition verify 2025-06-30-aaa"):
        assert part in err


def test_a_table_that_is_lost_is_told_and_not_taken_for_an_empty_one(edition, asked):
    (edition / "tables").chmod(0o755)
    (edition / "tables/reasons.parquet").unlink()
    code, _, err = asked(FIRST, "--json")
    assert (code, err) == (1, "")


def test_no_name_from_outside_reaches_the_terminal_as_a_command(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    seal_one(tmp_path, "2025-06-30-aaa", COUNTED + EVIDENCED + HOSTILE_NAMES, None, MORE)
    one = ("--indicator", "C01")
    for uscc, more in itertools.product((FIRST, FIRST[:-1] + "2"), ((), one, ("--json",), (*one, "--json"))):
        code, out, err = asked(uscc, *more)
        assert (more, code, err) == (more, 0, "")
        assert out.replace("\n", "").isprintable()
        # Markup is a text like any other: nothing here reads it.
        assert "[2J" in out
        assert "[red]甲[/red]" in out


@pytest.mark.usefixtures("edition")
def test_one_indicator_names_its_record_its_days_its_page_and_the_command_that_prints_it(asked, tmp_path):
    _, out, _ = asked(FIRST, "--indicator", "C01")
    for told in (
        "tax.statements",
        f"{FIRST}|2024",
        "国家一等 national, first",
        "日期 dated 2025-05-20",
        "获知 learned 2025-06-30",
        f"原始页 raw page {tmp_path}/raw/",
        "页内位置 position in the page 2",
        "供给 supply             已提供 supplied",
        "口径 definition         当年申报 as filed",
        f"jifen explain {FIRST} --indicator C01 --raw",
    ):
        assert told in out


@pytest.mark.parametrize(
    ("was", "told"),
    [
        (("2 as raw_position", "9 as raw_position"), ("no record at that position",)),
        (("'tax' as source", "'gone' as source"), ("gone.yml is not there", "Whose: config", "Next: ")),
    ],
)
def test_a_record_that_cannot_be_shown_is_told(tmp_path, monkeypatch, asked, was, told):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    evidence = EVIDENCED.replace("<page>", keep_raw(tmp_path, PAGE)).replace(*was)
    seal_one(tmp_path, "2025-06-30-aaa", COUNTED + evidence, None, MORE)
    _, out, err = asked(FIRST, "--indicator", "C01", "--raw")
    assert [part for part in told if part not in out + err] == []


def codes_in(path, pattern):
    return re.findall(pattern, (PROJECT_DIR / "dbt_project" / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kind", "path", "pattern"),
    [
        ("supply_status", "checks/rulesets/_shared.sql", r"'(\w+_supplied|not_defined|too_few_peers)'"),
        ("function", "checks/rulesets/rules__function.sql", r"'(\w+(?:_capped|_in_peer|_weighted|_map))'"),
        ("ineligible_reason", "models/intermediate/int_enterprises__eligibility.sql", r"then '(\w+)'"),
        ("ineligible_reason", "../connectors/sources/science.yml", r"\b(cancelled|revoked|moved_out)\b"),
        ("unranked_reason", "models/scoring/totals.sql", r"then '(\w+)'"),
        ("severity", "models/marts/data_flags.sql", r"'(\w+)' as severity"),
        ("treatment", "seeds/rulesets/ruleset_missing.csv", r"_\w+,(rebase|zero|refuse),"),
    ],
)
def test_every_code_that_people_may_read_is_put_into_words(kind, path, pattern):
    words = json.loads(WORDS_FILE.read_bytes())[kind]
    codes = set(codes_in(path, pattern))
    assert codes
    assert codes - words.keys() == set()


def test_words_are_chinese_and_english_and_a_code_without_any_stands_as_it_is():
    for kind, words in json.loads(WORDS_FILE.read_bytes()).items():
        for code, (zh, en) in words.items():
            assert re.search(r"[\u4e00-\u9fff]", zh), (kind, code)
            assert en.isascii(), (kind, code)
    assert in_words("supply_status", "never_heard_of") == "never_heard_of"
    assert in_words("supply_status", None) == ""
