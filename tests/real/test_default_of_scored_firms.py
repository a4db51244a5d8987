"""A score over invoices against what became of the firms: whatever the separation is, it is measured and reported.

123 masked firms with a bank's rating and default. The rating is left out: it was given knowing the default. Run with
`--log-cli-level=info` to read the figures.
"""

import csv
import logging
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from editions.score.run import Place, score
from ledger.settings import PROJECT_DIR

pytestmark = pytest.mark.real

log = logging.getLogger(__name__)
RULESET = PROJECT_DIR / "docs" / "examples" / "invoice-score" / "ruleset"
VALUES = """
copy (
    with sold as (
        select 企业代号 as firm, 金额 as amount, trim(发票状态) = '有效发票' as is_valid, 购方单位代号 as buyer,
            date_trunc('month', strptime(开票日期, '%Y/%m/%d')) as month
        from '{folder}/output_invoices_123.parquet'
    ), bought as (
        select 企业代号 as firm, sum(金额) filter (where trim(发票状态) = '有效发票') as amount
        from '{folder}/input_invoices_123.parquet' group by 企业代号
    ), summed as (
        select firm, sum(amount) filter (where is_valid) as sales,
            count(distinct month) filter (where is_valid) as months,
            count(distinct buyer) filter (where is_valid) as buyers, avg(case when is_valid then 0 else 1 end) as void,
            avg(case when amount < 0 then 1 else 0 end) as returned
        from sold group by firm
    )
    select firm as id, round(sales / 10000, 6)::decimal(18, 6) as SALES,
        case
            when sales > 0 then greatest(-999, round(100 * (sales - coalesce(amount, 0)) / sales, 6))::decimal(18, 6)
        end as MARGIN,
        months as MONTHS, buyers as BUYERS, round(100 * void, 6)::decimal(18, 6) as VOID,
        round(100 * returned, 6)::decimal(18, 6) as RETURNS
    from summed left join bought using (firm)
    order by id
) to '{out}' (header)
"""


def separation(scores: np.ndarray, is_default: np.ndarray) -> tuple[float, float]:
    """AUC, the chance that a firm that paid scores higher than one that did not, and KS, the widest gap of the two."""
    paid, failed = scores[~is_default], scores[is_default]
    auc = stats.mannwhitneyu(paid, failed).statistic / (len(paid) * len(failed))
    return float(auc), float(stats.ks_2samp(paid, failed).statistic)


def interval(scores: np.ndarray, is_default: np.ndarray, which: int) -> tuple[float, float]:
    """The 95 % interval of AUC (0) or KS (1), by 2,000 draws of firms, defaults and others apart."""
    chance = np.random.default_rng(20250630)
    places = [np.flatnonzero(is_default), np.flatnonzero(~is_default)]
    drawn = []
    for _ in range(2000):
        chosen = np.concatenate([chance.choice(part, len(part)) for part in places])
        drawn.append(separation(scores[chosen], is_default[chosen])[which])
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def test_auc_and_ks_against_default_are_measured_with_their_intervals(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "sme_loans"
    values = tmp_path / "values.csv"
    with duckdb.connect() as connection:
        connection.execute(VALUES.format(folder=folder, out=values))
    scored = score(str(RULESET), values, tmp_path / "scored", Place(PROJECT_DIR, tmp_path / "data"))
    with (folder / "credit_history_enterprise_information.csv").open(encoding="utf-8-sig", newline="") as handle:
        failed = {row["企业代号"]: row["是否违约"] == "是" for row in csv.DictReader(handle)}
    with (scored.out / "rankings.csv").open(encoding="utf-8-sig", newline="") as handle:
        found = {row["id"]: float(row["score"]) for row in csv.DictReader(handle) if row["is_ranked"] == "true"}
    assert found.keys() == failed.keys()
    assert sum(failed.values()) == 27
    firms = sorted(found)
    scores, is_default = np.array([found[firm] for firm in firms]), np.array([failed[firm] for firm in firms])
    auc, ks = separation(scores, is_default)
    auc_between, ks_between = interval(scores, is_default, 0), interval(scores, is_default, 1)
    for name, value, between in (("AUC", auc, auc_between), ("KS", ks, ks_between)):
        log.info("%s %.3f (%.3f to %.3f)", name, value, *between)
    assert auc_between[0] <= auc <= auc_between[1]
    # Better than chance on 123 firms: no more is claimed.
    assert auc_between[0] > 0.5
    assert ks > 0
