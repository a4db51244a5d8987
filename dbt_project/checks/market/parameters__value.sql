-- market_parameters: parameter, of_bank, of_product
-- 数值缺失或不合理
-- the value is missing or out of range
from parameter_rows
where
    coalesce(value < 0, true)
    or (parameter in ('answer_days', 'expiry_days') and (value < 1 or value > 3650 or value <> floor(value)))
