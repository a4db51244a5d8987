-- products: product_id, version
-- 没有额度档或价格档
-- no band of limits or of prices
select product_id, version from products
where (product_id, version) not in (select (product_id, version) from product_limits)
    or (product_id, version) not in (select (product_id, version) from product_prices)
