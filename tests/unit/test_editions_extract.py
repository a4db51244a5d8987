from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editions.explain import EnterpriseUnknownError, explain, top
from editions.extract import CLASSES_FILE, ExtractError, classes_of, cut_extract, extract_columns
from ledger.csv_file import write_csv
from tests.unit.small_edition import make_candidate, seal_small

PURPOSES = ["授信评估"]
FIELDS = ["uscc", "consent_id", "score"]
FIRST, SECOND, THIRD = (f"91441300MA0000000{i}" for i in (1, 2, 3))


@pytest.fixture
def edition(tmp_path):
    return seal_small(tmp_path, make_candidate(tmp_path)).path


def edition_with(tmp_path, consents: str):
    """An edition whose consents to bank_a are `consents`: id, from, to, withdrawn, classes, enterprise's number."""
    changes = """
    create or replace table ext_bank__scores as
    select 'bank_a' as recipient, c.consent_id, c.f::date as consent_valid_from, c.t::date as consent_valid_to,
        c.w::date as consent_withdrawn_on, c.k as data_classes, '授信评估' as purpose, r.uscc, r.score, r.points_total
    from (values <consents>) c(consent_id, f, t, w, k, n) join rankings r on right(r.uscc, 1) = c.n;
    """
    candidate = make_candidate(tmp_path, changes=changes.replace("<consents>", consents))
    return seal_small(tmp_path, candidate).path


def sent_and_denied(edition, day):
    cut = cut_extract(edition, "bank_a", FIELDS, date.fromisoformat(day), purposes=PURPOSES)
    return cut.table["consent_id"].to_pylist(), {row["consent_id"]: row["reason"] for row in cut.denied}


@pytest.mark.parametrize(
    ("day", "is_sent", "reason"),
    [
        ("2025-01-31", False, "not_yet_valid"),
        ("2025-02-01", True, None),
        ("2025-02-28", True, None),
        ("2025-03-01", False, "expired"),
    ],
)
def test_a_consent_counts_on_its_first_and_its_last_day_and_not_beside_them(tmp_path, day, is_sent, reason):
    edition = edition_with(tmp_path, "('K', '2025-02-01', '2025-02-28', null, 'score', '1')")
    sent, denied = sent_and_denied(edition, day)
    assert (sent, denied) == ((["K"], {}) if is_sent else ([], {"K": reason}))


@pytest.mark.parametrize(
    ("day", "is_sent"), [("2025-05-09", True), ("2025-05-10", False), ("2025-05-11", False), ("2099-01-01", False)]
)
def test_a_consent_ends_on_the_day_it_is_withdrawn(tmp_path, day, is_sent):
    edition = edition_with(tmp_path, "('K', '2025-02-01', '2030-01-01', '2025-05-10', 'score', '1')")
    sent, denied = sent_and_denied(edition, day)
    assert (sent, denied) == ((["K"], {}) if is_sent else ([], {"K": "withdrawn"}))


def test_a_consent_to_other_data_is_no_consent_to_the_score(tmp_path):
    edition = edition_with(
        tmp_path,
        "('A', '2025-01-01', null, null, 'band', '1'), ('B', '2025-01-01', null, null, 'band, score', '2'), "
        "('C', '2025-01-01', null, null, 'scores,subscore', '3'), ('D', '2025-01-01', null, null, null, '4')",
    )
    assert sent_and_denied(edition, "2025-06-30") == (["B"], dict.fromkeys("ACD", "data_class"))


def test_an_enterprise_that_is_not_in_the_ranking_is_denied_though_its_consent_stands(tmp_path):
    change = "update ext_bank__scores set points_total = null, score = null where consent_id = 'C1'"
    whole = sent_and_denied(seal_small(tmp_path, make_candidate(tmp_path)).path, "2025-06-30")
    (first, *rest), denied = whole
    candidate = make_candidate(tmp_path / "other", changes=change.replace("C1", first))
    sent, now_denied = sent_and_denied(seal_small(tmp_path / "other", candidate).path, "2025-06-30")
    assert (sent, now_denied) == (rest, {**denied, first: "not_eligible"})


def test_a_consent_given_for_another_purpose_sends_nothing(edition):
    cut = cut_extract(edition, "bank_a", FIELDS, date(2025, 6, 30), purposes=["招商引资"])
    assert cut.table.num_rows == 0
    assert {row["reason"] for row in cut.denied} == {"purpose"}


def test_the_newest_word_of_an_enterprise_stands_for_all_its_consents(tmp_path):
    edition = edition_with(
        tmp_path,
        "('OLD', '2025-01-01', null, null, 'score', '1'), ('NEW', '2025-02-01', null, null, 'score', '1'), "
        "('GONE', '2025-03-01', null, '2025-04-01', 'score', '1')",
    )
    assert sent_and_denied(edition, "2025-02-28") == (["NEW"], {"OLD": "superseded", "GONE": "not_yet_valid"})
    assert sent_and_denied(edition, "2025-03-31") == (["GONE"], {"OLD": "superseded", "NEW": "superseded"})
    # The withdrawal is the last that the enterprise said.
    all_denied = {"OLD": "superseded", "NEW": "superseded", "GONE": "withdrawn"}
    assert sent_and_denied(edition, "2025-06-30") == ([], all_denied)


def test_a_grant_after_a_withdrawal_counts_and_a_withdrawal_of_the_same_day_counts_more(tmp_path):
    consents = (
        "('OLD', '2025-01-01', null, '2025-03-01', 'score', '1'), ('NEW', '2025-03-02', null, null, 'score', '1'), "
        "('GONE', '2025-01-01', null, '2025-03-01', 'score', '2'), ('SAME', '2025-03-01', null, null, 'score', '2')"
    )
    edition = edition_with(tmp_path, consents)
    wanted = {"OLD": "withdrawn", "GONE": "withdrawn", "SAME": "superseded"}
    assert sent_and_denied(edition, "2025-06-30") == (["NEW"], wanted)


def test_a_newer_consent_that_ran_out_or_names_less_stands_for_an_older_one(tmp_path):
    consents = (
        "('LONG', '2025-01-01', null, null, 'score', '1'), ('SHORT', '2025-02-01', '2025-03-01', null, 'score', '1'), "
        "('WIDE', '2025-01-01', null, null, 'score', '2'), ('NARROW', '2025-02-01', null, null, 'revenue_band', '2')"
    )
    edition = edition_with(tmp_path, consents)
    wanted = {"LONG": "superseded", "SHORT": "expired", "WIDE": "superseded", "NARROW": "data_class"}
    assert sent_and_denied(edition, "2025-06-30") == ([], wanted)


def test_of_two_consents_of_one_day_number_10_is_newer_than_number_9(tmp_path):
    consents = "('9', '2025-02-01', null, null, 'score', '1'), ('10', '2025-02-01', null, null, 'revenue_band', '1')"
    edition = edition_with(tmp_path, consents)
    assert sent_and_denied(edition, "2025-06-30") == ([], {"9": "superseded", "10": "data_class"})


def test_a_field_of_a_class_that_the_consent_does_not_name_is_empty_and_counted(edition):
    fields = ["uscc", "score", "rank_overall"]
    cut = cut_extract(edition, "bank_a", fields, date(2025, 6, 30), purposes=PURPOSES)
    assert [row["rank_overall"] for row in cut.table.to_pylist()] == [None, None]
    assert all(row["score"] is not None for row in cut.table.to_pylist())
    assert cut.withheld == {"rank_overall": 2}


def test_a_field_of_no_stated_class_is_refused(tmp_path):
    change = "create or replace table ext_bank__scores as select *, 'x' as stage_basis from ext_bank__scores"
    edition = seal_small(tmp_path, make_candidate(tmp_path, changes=change)).path
    with pytest.raises(ExtractError, match="stage_basis belongs to no stated class of data"):
        cut_extract(edition, "bank_a", ["uscc", "stage_basis"], date(2025, 6, 30), purposes=PURPOSES)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("ext_bank__scores,score,", "score has two classes of data"),
        ("ext_bank__scores,score ,score", "has a blank or a line end around it"),
        ("ext_bank__scores,score", "a row of 2 cells under 3 columns"),
    ],
)
def test_a_class_of_data_that_a_slip_would_change_is_refused(tmp_path, monkeypatch, row, told):
    changed = tmp_path / "data_classes.csv"
    changed.write_text(f"{CLASSES_FILE.read_text(encoding='utf-8').rstrip()}\n{row}\n", encoding="utf-8")
    monkeypatch.setattr("editions.extract.CLASSES_FILE", changed)
    with pytest.raises(ExtractError, match=told):
        classes_of(["score"], "ext_bank__scores")


def extract_of(folder: Path, consents: str) -> Path:
    """A folder that holds the extract alone, which is all that is read of an edition."""
    path = folder / "extracts" / "ext_bank__scores.parquet"
    path.parent.mkdir()
    duckdb.execute(
        f"""copy (
            select 'bank_a' as recipient, c.consent_id, c.f::date as consent_valid_from, c.t::date as consent_valid_to,
                c.w::date as consent_withdrawn_on, c.k as data_classes, '授信评估' as purpose, c.n as uscc,
                50 as score, 50 as points_total
            from (values {consents}) c(consent_id, f, t, w, k, n)
        ) to '{path}'"""  # noqa: S608  # a test's own values
    )
    return folder


@given(
    consents=st.lists(
        st.tuples(
            st.integers(1, 3),
            st.integers(0, 9),
            st.none() | st.integers(0, 9),
            st.none() | st.integers(0, 9),
            st.sets(st.sampled_from(["score", "rank", "revenue_band"])),
        ),
        max_size=6,
    ),
    day=st.integers(0, 9),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_row_and_no_field_is_sent_outside_the_newest_word(tmp_path_factory, consents, day):
    def text(days: int | None) -> str:
        return "null" if days is None else f"'{date(2025, 1, 1) + timedelta(days)}'"

    rows = [(f"K{number}", *row) for number, row in enumerate(consents)]
    values = ", ".join(
        f"('{name}', {text(start)}, {text(end)}, {text(gone)}, '{','.join(sorted(classes))}', '{firm}')"
        for name, firm, start, end, gone, classes in rows
    )
    edition = extract_of(tmp_path_factory.mktemp("edition"), values or "('K', '2099-01-01', null, null, '', '1')")
    fields, send_date = ["consent_id", "score"], date(2025, 1, 1) + timedelta(day)
    cut = cut_extract(edition, "bank_a", fields, send_date, purposes=PURPOSES)

    def word(row: Any) -> tuple[Any, ...]:
        name, _, start, _, gone, _ = row
        withdrawn = gone is not None and gone <= day
        said = gone if withdrawn else start if start <= day else -1
        return (said, withdrawn, start, name)

    for firm in (1, 2, 3):
        own = [row for row in rows if row[1] == firm]
        newest = max(own, key=word, default=None)
        allowed = (
            newest is not None
            and newest[2] <= day
            and (newest[3] is None or day <= newest[3])
            and not (newest[4] is not None and newest[4] <= day)
            and "score" in newest[5]
        )
        sent = [row["consent_id"] for row in cut.table.to_pylist() if row["consent_id"] in {one[0] for one in own}]
        assert sent == ([newest[0]] if allowed and newest is not None else [])


def test_a_bank_gets_its_own_enterprises_and_its_own_fields_by_code(edition):
    cut = cut_extract(edition, "bank_a", ["score", "uscc"], date(2025, 6, 30), purposes=PURPOSES)
    assert cut.table.to_pylist() == [
        {"score": Decimal("10.0000"), "uscc": FIRST},
        {"score": Decimal("20.0000"), "uscc": SECOND},
    ]
    assert cut_extract(edition, "bank_b", FIELDS, date(2025, 6, 30), purposes=PURPOSES).table["uscc"].to_pylist() == [
        THIRD
    ]
    assert cut_extract(edition, "nobody", FIELDS, date(2025, 6, 30), purposes=PURPOSES).table.num_rows == 0


def test_a_withdrawn_consent_takes_the_enterprise_out_of_the_next_extract(edition):
    assert cut_extract(edition, "bank_a", FIELDS, date(2025, 7, 9), purposes=PURPOSES).table["uscc"].to_pylist() == [
        FIRST,
        SECOND,
    ]
    after = cut_extract(edition, "bank_a", FIELDS, date(2025, 7, 10), purposes=PURPOSES)
    assert after.table["uscc"].to_pylist() == [FIRST]
    assert after.denied == [{"consent_id": "S-2", "uscc": SECOND, "reason": "withdrawn"}]


def test_a_recipient_is_a_value_and_never_sql(edition):
    assert cut_extract(edition, "' or true --", FIELDS, date(2025, 6, 30), purposes=PURPOSES).table.num_rows == 0


@pytest.mark.parametrize("fields", [["uscc", "salary"], [], ["uscc", "uscc"], ['uscc", (select 1) as "x']])
def test_an_unknown_field_is_refused_with_the_fields_there_are(edition, fields):
    with pytest.raises(ExtractError, match="its fields are: recipient, consent_id"):
        cut_extract(edition, "bank_a", fields, date(2025, 6, 30), purposes=PURPOSES)


def test_the_columns_of_an_extract_can_be_asked_for(edition):
    assert extract_columns(edition)[:2] == ["recipient", "consent_id"]


def test_an_unknown_extract_is_refused_with_the_extracts_there_are(edition):
    for name in ("ext_agency__x", "../tables/rankings"):
        with pytest.raises(ExtractError, match="there are: ext_bank__scores"):
            cut_extract(edition, "bank_a", FIELDS, date(2025, 6, 30), purposes=PURPOSES, extract=name)


def test_an_extract_is_written_for_spreadsheets_under_the_bank_s_own_names():
    target = BytesIO()
    table = pa.table({"统一社会信用代码": [FIRST], "score": pa.array([Decimal("81.2500")], pa.decimal128(9, 4))})
    assert write_csv(table, target) == 1
    assert target.getvalue().decode("utf-8-sig") == f'统一社会信用代码,score\n"{FIRST}",81.2500\n'


def test_a_decimal_is_written_in_digits_however_small():
    target = BytesIO()
    shares = [Decimal(0), Decimal("0.0000000001"), None, Decimal("-0.5")]
    write_csv(pa.table({"share": pa.array(shares, pa.decimal128(12, 10))}), target)
    cells = [line.strip('"') for line in target.getvalue().decode("utf-8-sig").splitlines()]
    assert cells == ["share", "0.0000000000", "0.0000000001", "", "-0.5000000000"]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    ids=str,
)
@pytest.mark.parametrize("cuts", [[0], [0, 2], [0, 0, 5, 5]])
def test_a_cell_that_a_spreadsheet_would_run_is_guarded_in_every_form_of_text(kind, cuts):
    texts = ["=1", None, "", "\x00=1", "\u200f-1", "－1", "a\x07", "税", "=1"]
    pieces = [pa.array(texts[begin:end], pa.string()) for begin, end in zip(cuts, [*cuts[1:], None], strict=True)]
    target = BytesIO()
    write_csv(pa.table({"text": pa.chunked_array([piece.cast(kind) for piece in pieces], kind)}), target)
    guarded = ["'=1", None, "", "'=1", "'-1", "'－1", "a", "税", "'=1"]
    lines = ["" if text is None else f'"{text}"' for text in guarded]
    assert target.getvalue().decode("utf-8-sig").split("\n") == ["text", *lines, ""]


def test_chunks_whose_dictionaries_are_too_many_for_one_index_are_written():
    kind, target = pa.dictionary(pa.int8(), pa.string()), BytesIO()
    chunks = [pa.array([f"{sign}{number}" for number in range(100)]).dictionary_encode().cast(kind) for sign in "a="]
    assert write_csv(pa.table({"text": pa.chunked_array(chunks)}), target) == 200
    assert target.getvalue().decode("utf-8-sig").splitlines()[99:103] == ['"a98"', '"a99"', '"\'=0"', '"\'=1"']


def test_an_empty_table_is_written_as_its_header():
    target = BytesIO()
    assert write_csv(pa.table({"uscc": pa.array([], pa.string())}), target) == 0
    assert target.getvalue() == b"\xef\xbb\xbfuscc\n"


def test_an_enterprise_is_explained_to_the_point(edition):
    found = explain(edition, f" {SECOND.lower()} ")
    assert found.enterprise["enterprise_name"] == "乙科技有限公司"
    assert found.ranking["rank_overall"] == 5
    assert [line["indicator_code"] for line in found.indicators] == ["C01", "C09"]
    assert found.indicators[0]["points"] == Decimal("8.0000")
    assert found.indicators[0]["name_zh"] == "研发费用金额"
    assert found.indicators[0]["reason_en"] == "8.000000 points"
    assert sum(line["points"] for line in found.indicators) == found.ranking["points_total"]


def test_what_is_missing_is_explained_as_missing(edition):
    line = explain(edition, "91441300MA00000006").indicators[0]
    assert (line["value"], line["points"], line["supply_status"]) == (None, None, "record_not_supplied")


def test_an_enterprise_that_is_not_eligible_has_a_reason_and_no_rank(edition):
    found = explain(edition, "91441300MA00000007")
    assert (found.ranking, found.indicators, found.enterprise["ineligible_reason"]) == (None, (), "cancelled")


def test_an_unknown_code_is_told_from_an_enterprise_without_points(edition):
    with pytest.raises(EnterpriseUnknownError, match="none of the 7 enterprises"):
        explain(edition, "91441300MA99999999")


def test_an_edition_is_explained_by_its_own_name_through_the_pointer(tmp_path, edition):
    (tmp_path / "editions/current").symlink_to(edition.name)
    assert explain(tmp_path / "editions/current", FIRST).edition_id == edition.name


def test_the_top_is_by_rank_and_code(edition):
    assert [(row["rank_overall"], row["uscc"][-1]) for row in top(edition, 3)] == [(1, "6"), (2, "5"), (3, "4")]
    assert len(top(edition, 100)) == 6
