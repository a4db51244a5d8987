-- {file}: place, column_name, amount
-- 金额过小或过大：须以元为单位，不是万元或分
-- too small or too large an amount: it is in yuan, neither in ten thousands of them nor in fen
with amounts as (
    select 'products' as file, product_id || ' ' || version as place, 'max_limit_cny' as column_name, max_limit_cny as amount, 10000 as least_cny from products
    union all
    select 'product_limits' as file, product_id || ' ' || version as place, 'lo_cny' as column_name, lo_cny as amount, 10000 as least_cny from product_limits
    union all
    select 'product_limits' as file, product_id || ' ' || version as place, 'hi_cny' as column_name, hi_cny as amount, 10000 as least_cny from product_limits
    union all
    select 'programme_conditions' as file, item_id || ' ' || version || ' ' || condition_no as place, 'lo' as column_name, lo as amount, 10000 as least_cny from programme_conditions where fact in (select fact from programme_facts where unit = '元')
    union all
    select 'programme_conditions' as file, item_id || ' ' || version || ' ' || condition_no as place, 'hi' as column_name, hi as amount, 10000 as least_cny from programme_conditions where fact in (select fact from programme_facts where unit = '元')
    union all
    select 'subsidy_programmes' as file, programme_id as place, 'financing_cap_cny' as column_name, financing_cap_cny as amount, 10000 as least_cny from subsidy_programmes
    union all
    select 'subsidy_programmes' as file, programme_id as place, 'contract_cap_cny' as column_name, contract_cap_cny as amount, 1000 as least_cny from subsidy_programmes
    union all
    select 'subsidy_programmes' as file, programme_id as place, 'firm_cap_cny' as column_name, firm_cap_cny as amount, 1000 as least_cny from subsidy_programmes
    union all
    select 'subsidy_budgets' as file, programme_id || ' ' || policy_year as place, 'budget_cny' as column_name, budget_cny as amount, 10000 as least_cny from subsidy_budgets
    union all
    select 'subsidy_tiers' as file, programme_id || ' ' || tier as place, 'revenue_low_cny' as column_name, revenue_low_cny as amount, 10000 as least_cny from subsidy_tiers
    union all
    select 'subsidy_tiers' as file, programme_id || ' ' || tier as place, 'revenue_high_cny' as column_name, revenue_high_cny as amount, 10000 as least_cny from subsidy_tiers
    union all
    select 'pool_agreements' as file, agreement_id as place, 'limit_cny' as column_name, limit_cny as amount, 10000 as least_cny from pool_agreements
    union all
    select 'pool_sharing' as file, agreement_id || ' ' || band as place, 'principal_low_cny' as column_name, principal_low_cny as amount, 10000 as least_cny from pool_sharing
    union all
    select 'pool_sharing' as file, agreement_id || ' ' || band as place, 'principal_high_cny' as column_name, principal_high_cny as amount, 10000 as least_cny from pool_sharing
)

from amounts where amount > 1 and (amount < least_cny or amount > 100000000000)
