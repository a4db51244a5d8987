-- market_parameters: parameter, of_bank, of_product
-- 与同一参数的另一行有效期重叠
-- is in force on days of another row of the same parameter
from parameter_rows
qualify
    coalesce(valid_to, date '9999-12-31')
    >= lead(valid_from) over (partition by parameter, of_bank, of_product order by valid_from)
