"""The night over real companies: their own codes, their own figures, and what nobody supplied costs nobody."""

import csv
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import pytest
from openpyxl import load_workbook
from stdnum.cn import uscc as peer

from sandbox.start import start
from tests.e2e.installation import Installation

pytestmark = [pytest.mark.real, pytest.mark.night]

FILLED = {"C01", "C02", "C03", "C04", "C09", "C10", "C11", "C13"}
YEAR = 2021


@pytest.fixture(scope="module")
def listed_night(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("listed")
    with start("listed", folder / "sandbox", real_data) as sandbox:
        installation = Installation(folder / "data", sandbox)
        yield installation, installation.run()


@pytest.fixture(scope="module")
def rankings(listed_night):
    return {row["uscc"]: row for row in listed_night[0].table("rankings")}


@pytest.fixture(scope="module")
def points(listed_night):
    return {(row["uscc"], row["indicator_code"]): row for row in listed_night[0].table("points")}


@pytest.fixture(scope="module")
def codes(real_data):
    """Stock code -> unified social credit code, from the source file."""
    with (real_data / "uscc" / "DERIVED_crosswalk_stock_code_to_uscc.csv").open(encoding="utf-8-sig") as file:
        return {row["stock_code"]: row["uscc"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def statements(real_data, codes):
    """(code, year) -> figures straight from the workbooks, by another reader than the sandbox's; faults taken out."""
    found: dict[tuple[str, int], dict[str, Decimal]] = {}
    wanted = {
        "profit_statement.xlsx": {"营业收入": "-1", "研发费用": "-1", "净利润": "-1"},
        "balance_static.xlsx": {
            "流动资产合计": "-1",
            "非流动资产合计": "-1",
            "流动负债合计": "-1",
            "非流动负债合计": "-1",
        },
        "people.xlsx": {"职工人数": "0", "研发人员": "0"},
    }
    for name, columns in wanted.items():
        sheet = load_workbook(real_data / "listed_companies" / name, read_only=True).active
        rows = sheet.iter_rows(values_only=True)
        header = next(rows)
        places = {column: header.index(column) for column in columns}
        code, year = header.index("股票代码"), header.index("报告年份")
        for row in rows:
            if row[code] not in codes:
                continue
            figures = found.setdefault((row[code], int(row[year])), {})
            for column, place in places.items():
                value = Decimal(str(row[place]))
                if value != Decimal(columns[column]):
                    figures[column] = value
    return found


def share(part, whole):
    return (part / whole * 100).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def test_it_ranks_at_least_260_real_companies_under_their_real_codes(listed_night, rankings, codes):
    _, ran = listed_night
    assert (ran.code, ran.output["state"]) == (0, "published"), ran.output["message"]
    ranked = [uscc for uscc, row in rankings.items() if row["is_ranked"]]
    assert len(ranked) >= 260
    assert set(ranked) <= set(codes.values())
    assert all(peer.is_valid(uscc) for uscc in ranked)


def test_what_nobody_supplied_is_said_and_costs_nobody_a_point(rankings, points):
    for (uscc, code), row in points.items():
        if code not in FILLED:
            # The talent bureau lists these companies, but not their new graduates.
            graduates = ("value_not_supplied", "record_not_supplied")
            assert row["supply_status"] in (graduates if code == "C14" else ("source_not_supplied",)), (uscc, code)
            assert row["points"] is None
            assert row["value"] is None
    for uscc, row in rankings.items():
        assessed = [points[uscc, code] for code in FILLED if points[uscc, code]["points"] is not None]
        assert row["points_available"] == sum(one["points_maximum"] for one in assessed)
        # Without a stage there are no weights, so no maximum, and no rank.
        assert row["points_maximum"] == (0 if row["stage"] is None else 100)
        if row["is_ranked"]:
            whole = row["points_total"] / row["points_available"] * 100
            assert row["score"] == whole.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("code", "compute"),
    [
        ("C03", lambda now, _: share(now["研发费用"], now["营业收入"])),
        ("C02", lambda now, before: share(now["研发费用"] - before["研发费用"], before["研发费用"])),
        ("C10", lambda now, before: share(now["营业收入"] - before["营业收入"], before["营业收入"])),
        ("C04", lambda now, _: share(now["研发人员"], now["职工人数"])),
        (
            "C13",
            lambda now, _: share(
                now["净利润"],
                now["流动资产合计"] + now["非流动资产合计"] - now["流动负债合计"] - now["非流动负债合计"],
            ),
        ),
    ],
)
def test_indicators_are_what_the_source_files_say(points, statements, codes, code, compute):
    agreed, differing = 0, {}
    for (stock, year), figures in statements.items():
        row = points.get((codes[stock], code))
        if year != YEAR or row is None or row["value"] is None:
            continue
        expected = compute(figures, statements.get((stock, YEAR - 1), {}))
        if row["value"] == expected:
            agreed += 1
        else:
            differing[stock] = (row["value"], expected)
    assert differing == {}
    assert agreed >= 200


def test_every_known_fault_is_caught_by_a_named_rule_and_counted(listed_night):
    _, ran = listed_night
    counts = Counter()
    for one in ran.output["report"]["pulled"]:
        counts.update(one["counts"] or {})
    assert counts["missing_marker:rd_expense_cny"] == 101
    assert counts["missing_marker:operating_revenue_cny"] == 73
    assert counts["missing_marker:staff_total"] == 178
    assert counts["missing_marker:sci_tech_staff"] == 1776
    assert counts["discarded:technicians:out_of_range"] == 12
    assert counts["discarded:sci_tech_share_disclosed_pct:out_of_range"] == 2
    assert counts["refused:sci_tech_staff_within_total"] == 1


def test_no_known_fault_reaches_an_indicator(points, statements, codes):
    stocks = {uscc: stock for stock, uscc in codes.items()}
    for (uscc, code), row in points.items():
        figures = statements.get((stocks[uscc], YEAR), {})
        if code in ("C04", "C11") and row["value"] is not None:
            assert 0 < row["value"] <= 100, (uscc, code)
        if code == "C01" and "研发费用" not in figures:
            assert row["value"] is None, uscc
        if code == "C09" and "营业收入" not in figures:
            assert row["value"] is None, uscc
