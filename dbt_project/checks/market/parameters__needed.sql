-- market_parameters: parameter
-- 没有适用于所有银行的取值
-- has no value for all banks
select unnest(['answer_days', 'expiry_days', 'near_amount_pct', 'near_term_months', 'near_rate_pct']) as parameter
except
select parameter from market_parameters where bank is null and product_id is null
