-- market_parameters: parameter, of_bank, of_product
-- 该银行没有这个产品
-- the bank has no such product
from parameter_rows
where
    product_id is not null
    and not exists (from products where products.product_id = parameter_rows.product_id and products.bank = parameter_rows.bank)
