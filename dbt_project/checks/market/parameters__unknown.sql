-- market_parameters: parameter, of_bank, of_product
-- 没有这个参数，或该参数不能按银行、产品设定
-- no such parameter, or it cannot be said of one bank or product
from parameter_rows
where
    coalesce(parameter, '') not in ('answer_days', 'expiry_days', 'near_amount_pct', 'near_term_months', 'near_rate_pct')
    or (parameter <> 'answer_days' and (bank is not null or product_id is not null))
