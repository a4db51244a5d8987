-- product_limits: product_id, version, lo_cny
-- 没有基数的产品只能有一档
-- a product without a basis has one band, open on both sides
select product_limits.*
from product_limits
inner join products using (product_id, version)
where products.basis is null and coalesce(lo_cny, hi_cny) is not null
