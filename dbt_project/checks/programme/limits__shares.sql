-- product_limits: product_id, version, lo_cny
-- 比例或固定额度缺失、为负，或没有基数却有比例
-- a share or a fixed amount is missing or below 0, or there is a share and no basis
select product_limits.*
from product_limits
left join products using (product_id, version)
where
    coalesce(share_pct, -1) < 0 or share_pct > 1000 or coalesce(fixed_cny, -1) < 0
    or (products.basis is null and share_pct > 0)
    or lo_cny < 0
