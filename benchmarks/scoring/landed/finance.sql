-- The technology-finance platform, in the proportions of the district: loans of every fourth enterprise, a claim and a
-- guarantee on many of them, leases of one in twenty-five, and a need of every third with what banks say of it.

create view loan as
with drawn as (
    select *, i * 10 + unnest(several(i, 'loans', 28, 2)) as n from enterprise
)

select
    *,
    one_of(n, 'bank', ['bank_a', 'bank_b']) as bank,
    'JJ' || lpad(cast(n as varchar), 10, '0') as receipt_no,
    date '2023-07-01' + cast(draw(n, 'drawn', 620) as integer) as drawn_on,
    cast((20 + draw(n, 'amount', 800)) * 10000 as decimal(20, 2)) as amount_cny,
    cast(3 + draw(n, 'rate', 150) / 100 as decimal(9, 4)) as annual_rate_pct
from drawn;

create view "finance.loan_movements" as
select receipt_no || '-00' as movement_no, bank, receipt_no as loan_receipt_no, uscc, drawn_on as moved_on, 'drawdown' as kind, amount_cny, annual_rate_pct
from loan
union all
select
    receipt_no || '-' || lpad(cast(quarters.q as varchar), 2, '0'), bank, receipt_no, uscc, drawn_on + cast(quarters.q * 91 as integer),
    'interest_paid', cast(round(amount_cny * annual_rate_pct * 91 / 36000, 2) as decimal(20, 2)), null
from loan, range(1, 8) as quarters(q)
where drawn_on + cast(quarters.q * 91 as integer) <= date '2025-06-30'
union all
select receipt_no || '-90', bank, receipt_no, uscc, drawn_on + 200, 'repayment', cast(amount_cny / 4 as decimal(20, 2)), null
from loan where draw(n, 'repaid', 3) = 0 and drawn_on + 200 <= date '2025-06-30'
union all
select receipt_no || '-95', bank, receipt_no, uscc, date '2025-04-25', 'overdue_from', null, null
from loan where draw(n, 'overdue', 40) = 0;

create view lease as
select
    *,
    'ZL-' || lpad(cast(i as varchar), 8, '0') as lease_no,
    date '2023-07-01' + cast(draw(i, 'leased', 480) as integer) as started_on,
    cast((50 + draw(i, 'financed', 450)) * 10000 as decimal(20, 2)) as financed_cny
from enterprise where draw(i, 'lease', 25) = 0;

create view "finance.leases" as
select lease_no, 'lessor_1' as lessor, uscc, 'SB-' || lease_no as asset_no, financed_cny as financed_amount_cny,
    cast(5.6 as decimal(9, 4)) as annual_rate_pct, started_on, started_on + 1095 as ends_on
from lease;

create view "finance.lease_payments" as
select
    lease_no || '-' || quarters.q as payment_no, lease_no, started_on + cast(quarters.q * 91 as integer) as paid_on,
    cast(financed_cny / 12 as decimal(20, 2)) as principal_cny, cast(financed_cny / 80 as decimal(20, 2)) as interest_cny
from lease, range(1, 8) as quarters(q)
where started_on + cast(quarters.q * 91 as integer) <= date '2025-06-30';

create view "finance.subsidy_claims" as
select
    'BT-' || receipt_no as claim_no, 'loan' as kind, bank as lender, receipt_no as contract_no, uscc,
    greatest(drawn_on, date '2024-07-01') as period_from, date '2025-03-31' as period_to,
    date '2025-04-05' + cast(draw(n, 'claimed', 40) as integer) as claimed_on, one_of(n, 'used', ['production', 'production', 'rd']) as used_for,
    date '2024-01-01' as consented_on, date '2025-05-20' as published_on,
    case when draw(n, 'reviewed', 3) = 0 then date '2025-06-10' end as reviewed_on
from loan where draw(n, 'claim', 10) < 7 and drawn_on < date '2024-11-30'
union all
select 'ZT-' || lease_no, 'lease', 'lessor_1', lease_no, uscc, greatest(started_on, date '2024-01-01'), date '2025-03-31', date '2025-04-20',
    'production', started_on, date '2025-05-12', null
from lease where draw(i, 'lease_claim', 10) < 8;

create view guarantee as
select *, 'DB-' || receipt_no as guarantee_no
from loan where drawn_on >= date '2024-01-01' and draw(n, 'guaranteed', 10) < 6;

create view "finance.guarantees" as
select
    guarantee_no, case bank when 'bank_a' then 'zone-bank_a-g1' else 'zone-bank_b-g1' end as agreement_id, bank, 'guarantor_1' as guarantor,
    receipt_no as loan_receipt_no, uscc, amount_cny as principal_cny, 0.45 as fee_rate_pct,
    one_of(n, 'uplift', [null, null, 'ip_pledge', 'ip_pledge;key_firm']) as uplifts, drawn_on as valid_from, drawn_on + 365 as valid_to
from guarantee;

create view "finance.guarantee_claims" as
select guarantee_no || '-1' as event_no, guarantee_no, 'claimed' as state, cast(amount_cny / 2 as decimal(20, 2)) as amount_cny, date '2025-03-01' as happened_on
from guarantee where draw(n, 'lost', 20) = 0 and drawn_on < date '2025-01-01';

create view "finance.pool_funds" as
select 'F1' as fund_no, 'zone-pool' as pool_id, 'paid_in' as kind, 20000000 as amount_cny, date '2024-01-05' as moved_on;

create view need as
select *, 'XQ-' || lpad(cast(i as varchar), 8, '0') as need_no, date '2025-01-06' + cast(draw(i, 'posted', 170) as integer) as posted_on
from enterprise where draw(i, 'need', 3) = 0;

create view "finance.needs" as
select
    need_no, uscc, posted_on, (20 + draw(i, 'wanted', 580)) * 10000 as amount_cny, one_of(i, 'term', [6, 12, 12, 24, 36]) as term_months,
    one_of(i, 'most', [null, 3.5, 4.0, 4.5, 6.0]) as highest_rate_pct, one_of(i, 'collateral', [null, null, 'property', 'ip_pledge;receivables']) as collaterals,
    'working_capital' as used_for, one_of(i, 'banks', [null, 'bank_a', 'bank_b', 'bank_a;bank_b']) as consented_banks, draw(i, 'contact', 5) > 0 as is_contact_consented
from need;

create view "finance.need_events" as
select
    need_no || '-' || steps.s as event_no, need_no, one_of(i, 'asked', ['bank_a', 'bank_b']) as bank,
    ['matched', 'contacted', 'in_review', 'approved'][steps.s] as event, posted_on + cast(steps.s * 2 as integer) as happened_on
from need, range(1, 5) as steps(s)
where steps.s <= 1 + draw(i, 'steps', 4) and posted_on + cast(steps.s * 2 as integer) <= date '2025-06-30';

create view "finance.policy_claims" as
select 'SL-' || i as claim_no, uscc, 'tech-sme-voucher' as policy_id, '2025.1' as version, date '2025-05-01' as claimed_on,
    one_of(i, 'said', ['confirmed', 'refused', 'claimed', 'paid']) as state
from enterprise where draw(i, 'policy', 10) = 0;
