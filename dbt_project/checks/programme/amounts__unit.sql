-- {file}: place, amount
-- 金额过小或过大：须以元为单位，不是万元或分
-- too small or too large an amount: it is in yuan, neither in ten thousands of them nor in fen
with amounts as (
    select 'products' as file, product_id || ' ' || version as place, 10000 as least_cny, [max_limit_cny] as amounts
    from products
    union all
    select 'product_limits', product_id || ' ' || version, 10000, [lo_cny, hi_cny] from product_limits
    union all
    select 'programme_conditions', item_id || ' ' || version || ' ' || condition_no, 10000, [lo, hi] from programme_conditions
    where fact in (select programme_facts.fact from programme_facts where unit = '元')
    union all
    select 'subsidy_programmes', programme_id, 1000, [financing_cap_cny, contract_cap_cny, firm_cap_cny] from subsidy_programmes
    union all
    select 'subsidy_budgets', programme_id || ' ' || policy_year, 10000, [budget_cny] from subsidy_budgets
    union all
    select 'subsidy_tiers', programme_id || ' ' || tier, 10000, [revenue_low_cny, revenue_high_cny] from subsidy_tiers
    union all
    select 'pool_agreements', agreement_id, 10000, [limit_cny] from pool_agreements
    union all
    select 'pool_sharing', agreement_id || ' ' || band, 10000, [principal_low_cny, principal_high_cny] from pool_sharing
)

from (select file, place, least_cny, unnest(amounts) as amount from amounts)
where amount > 1 and (amount < least_cny or amount > 100000000000)
