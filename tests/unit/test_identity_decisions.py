"""Decisions about who is who: a file that people write and the next night reads."""

import threading
from datetime import date

import pyarrow.parquet as pq
import pytest

from connectors import uscc
from connectors.errors import ConfigError
from connectors.identity_decisions import (
    IdentityDecision,
    append_decision,
    contradicted,
    decisions_file,
    decisions_sha256,
    known_on,
    read_decisions,
)
from connectors.inputs import lay_out
from flows.recipe import _decided
from tests.declared import source_of
from tests.unit.refusing import GOOD, OTHER

HEADER = "source,dataset,identifier,uscc,decided_on,decided_by,why\n"
DAY, NEXT = date(2025, 6, 30), date(2025, 7, 1)


@pytest.fixture
def sources(make_dataset):
    return (source_of(make_dataset()),)


def said(identifier="甲 公司", code=GOOD, on=DAY, why='按营业执照核对, "旧名"'):
    return IdentityDecision("tax", "statements", identifier, code, on, "王工", why)


def test_what_is_appended_is_read_back_and_nothing_that_stands_is_touched(tmp_path, sources):
    append_decision(tmp_path, sources, said())
    before = decisions_file(tmp_path).read_bytes()
    append_decision(tmp_path, sources, said(code=None, on=NEXT))
    assert decisions_file(tmp_path).read_bytes().startswith(before)
    assert read_decisions(tmp_path, sources) == (said(), said(code=None, on=NEXT))
    assert read_decisions(tmp_path / "elsewhere", sources) == ()


def test_a_file_saved_by_a_spreadsheet_or_an_editor_is_read(tmp_path, sources):
    text = HEADER + f"tax,statements,甲,{GOOD},2025-06-30,王工,核对\n\ntax,statements,乙,,2025-06-30,王工,外地"
    decisions_file(tmp_path).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    append_decision(tmp_path, sources, said("丙"))
    assert [one.identifier for one in read_decisions(tmp_path, sources)] == ["甲", "乙", "丙"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"tax,nowhere,甲,{GOOD},2025-06-30,王工,核对", "no dataset tax.nowhere"),
        (f"tax,statements,甲,{GOOD[:-1]}M,2025-06-30,王工,核对", "uscc_check_character"),
        (f"tax,statements,甲,{GOOD},30.6.2025,王工,核对", "not a date"),
        (f"tax,statements,甲,{GOOD},2025-06-30,,核对", "decided_by is empty"),
        (f"tax,statements,甲,{GOOD},2025-06-30,王工,", "why is empty"),
        (f"tax,statements,甲\u202e,{GOOD},2025-06-30,王工,核对", "identifier is empty or holds a hidden"),
        (f"tax,statements,甲\u200b,{GOOD},2025-06-30,王工,核对", "holds a character that cannot be seen"),
        (f"tax,statements,4.40002E+14,{GOOD},2025-06-30,王工,核对", "is what a sheet makes of a number or a code"),
        (f"tax,statements,'440002008012345,{GOOD},2025-06-30,王工,核对", "stands within the signs of a sheet"),
        (f"tax,statements,甲,{GOOD},2025-06-30,王工", "6 cells"),
        (f"tax,statements,既有,{OTHER},2025-06-29,王工,核对", "line 2 decides on 既有"),
        ('tax,statements,甲,,2025-06-30,王工,"核', "no line of CSV"),
    ],
)
def test_a_bad_line_is_refused_by_its_number(tmp_path, sources, line, what):
    good = f"tax,statements,既有,{GOOD},2025-06-29,王工,核对\n"
    decisions_file(tmp_path).write_text(HEADER + good + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=what) as refused:
        read_decisions(tmp_path, sources)
    assert "line 3" in str(refused.value)


def test_a_bad_decision_is_not_written(tmp_path, sources):
    append_decision(tmp_path, sources, said())
    before = decisions_file(tmp_path).read_bytes()
    for bad in (said(why="两\n行"), said(code="91"), said(code=OTHER)):
        with pytest.raises(ConfigError):
            append_decision(tmp_path, sources, bad)
    assert decisions_file(tmp_path).read_bytes() == before


def test_an_empty_file_holds_no_decision_and_gets_its_header_with_the_first(tmp_path, sources):
    decisions_file(tmp_path).touch()
    assert read_decisions(tmp_path, sources) == ()
    append_decision(tmp_path, sources, said())
    assert decisions_file(tmp_path).read_text(encoding="utf-8").startswith(HEADER)


def test_many_who_decide_at_once_lose_nothing(tmp_path, sources):
    names = [f"甲{number}" for number in range(12)]
    threads = [threading.Thread(target=append_decision, args=(tmp_path, sources, said(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.identifier for one in read_decisions(tmp_path, sources)) == sorted(names)


def test_a_decision_of_a_later_day_is_not_known_yet():
    made = (said(), said("乙", on=NEXT))
    assert known_on(made, DAY) == made[:1]
    assert known_on(made, NEXT) == made


def test_only_words_about_one_code_contradict_each_other_and_only_the_last_ones(make_dataset):
    sources, persons = (source_of(make_dataset(), make_dataset(name="vat_returns")),), {OTHER: GOOD}
    code, name = "91441300MA4TYPED99", "没有代码的名称九字"

    def says(dataset, uscc, on=DAY, of=code):
        return IdentityDecision("tax", dataset, of, uscc, on, "王工", "核对")

    somebody, nobody = says("statements", GOOD), says("vat_returns", None, NEXT)
    assert contradicted((somebody, nobody), sources, nobody, persons) == [somebody]
    assert contradicted((nobody, somebody), sources, somebody, persons) == [nobody]
    replaced = says("vat_returns", GOOD)
    assert contradicted((replaced, nobody, somebody), sources, replaced, persons) == []
    agreed = (nobody, says("vat_returns", OTHER, date(2025, 7, 2)), somebody)
    assert contradicted(agreed, sources, somebody, persons) == []
    names = (says("statements", GOOD, of=name), says("vat_returns", None, of=name))
    assert contradicted(names, sources, names[0], persons) == []


def test_a_decision_changes_the_recipe_and_the_order_of_the_file_does_not():
    made = (said(), said("乙", None))
    assert decisions_sha256(made) == decisions_sha256(made[::-1])
    assert decisions_sha256(made) != decisions_sha256(made[:1])
    (batch,) = _decided(made)
    assert (batch.dataset, batch.rows_landed, batch.learned_on) == ("identity_decisions", 2, DAY)
    assert list(_decided(())) == []


def test_the_night_lays_the_decisions_out_and_an_empty_table_where_there_are_none(tmp_path):
    for folder, made in ((tmp_path / "some", (said("乙"), said())), (tmp_path / "none", ())):
        lay_out(folder, (), (), tmp_path, made)
        laid = pq.read_table(folder / "pipeline" / "identity_decisions" / "identity_decisions.parquet")
        assert laid.column("identifier").to_pylist() == sorted(one.identifier for one in made)
        assert str(laid.schema.field("decided_on").type) == "date32[day]"


def test_the_codes_of_these_tests_are_codes():
    assert [uscc.fault(code) for code in (GOOD, OTHER)] == [None, None]
