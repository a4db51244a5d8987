-- market_pauses: bank, of_product
-- 该银行没有这个产品，或没有这家银行
-- the bank has no such product, or there is no such bank
from pause_rows
where not exists (
    from products
    where products.bank = pause_rows.bank and coalesce(products.product_id = pause_rows.product_id, true)
)
