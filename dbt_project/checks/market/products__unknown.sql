-- market_products: product_id, version
-- 没有这个产品版本，或重复
-- no such version of a product, or a duplicate row
select product_id, version from market_products anti join products using (product_id, version)
union all
select product_id, version from market_products group by all having count(*) > 1
