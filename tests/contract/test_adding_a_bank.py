"""A bank that lends is added, and one that leaves is removed, by its source file alone."""

# ruff: noqa: S608  # SQL over a test's own tables

from pathlib import Path

import duckdb

from connectors.source_files import read_source
from editions.build import build_upon
from tests.contract.district_night import DistrictNight, rewrite
from tests.contract.test_adding_an_agency import laid_out
from tests.contract.test_adding_an_indicator import project  # noqa: F401  # a fixture


def test_a_third_bank_s_loans_count_everywhere_and_a_bank_that_left_is_not_missed(
    project: Path,  # noqa: F811
    night: DistrictNight,
    tmp_path: Path,
) -> None:
    sources = project / "connectors" / "sources"
    left = sources / "bank_b.yml"
    added = sources / "bank_c.yml"
    added.write_text(
        left.read_text(encoding="utf-8").replace("bank_b", "bank_c").replace("BANK_B", "BANK_C"), encoding="utf-8"
    )
    left.unlink()
    ((claim_no, receipt, claimant),) = night.rows(
        "select claim_no, min(contract_no), min(uscc) from subsidy_facts where kind = 'loan' and bank_count = 1 "
        f"and contract_no not in (select loan_receipt_no from '{night.candidate.inputs}/bank_b/loans/*.parquet') "
        "group by claim_no order by claim_no limit 1"
    )
    ((debtor,),) = night.rows(
        f"select min(uscc) from enterprise_facts where overdue_days is not null and uscc <> '{claimant}' "
        "and uscc not in (select uscc from loans)"
    )
    day, dates = "date '2025-05-31'", "null, null, null"
    loans = (
        f"('{receipt}', {day}, '{claimant}', 1, 0, {dates}, '正常', 0), "
        f"('C1', {day}, '{debtor}', 200, 123.45, {dates}, '可疑', 40)"
    )
    candidate = laid_out(night, tmp_path, read_source(added), {"loans": loans})
    rewrite(
        candidate.inputs,
        "pipeline.supply",
        "select * from landed where source <> 'bank_b' union all by name "
        "select 'bank_c' as source, 'loans' as dataset, true as is_supplied, 'full' as coverage",
    )
    build_upon(candidate, night.as_of, project, tmp_path / "parse", ("+enterprise_facts", "+subsidy_facts"))
    with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
        banks = connection.execute("select distinct bank from loans order by bank").fetchall()
        owed = connection.execute(
            "select overdue_days::int, non_performing_loans::int, loan_balance_cny::double from enterprise_facts "
            f"where uscc = '{debtor}'"
        ).fetchall()
        (known,) = connection.execute("select count(overdue_days) from enterprise_facts").fetchone() or (0,)
        seen = connection.execute(
            f"select distinct bank_count from subsidy_facts where claim_no = '{claim_no}'"
        ).fetchall()
    assert banks == [("bank_a",), ("bank_c",)]
    assert owed == [(40, 1, 123.45)]
    assert known > 600
    assert seen == [(2,)]
