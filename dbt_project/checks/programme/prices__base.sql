-- product_prices: product_id, version, lo, base
-- 基准须为 fixed 或 reference_rates 中的利率，且须有以百分数表示的利率（固定利率为 0 或不低于 0.1）
-- the base must be fixed or a rate of reference_rates, with a rate in percent (a fixed one is 0, or 0.1 or more)
from product_prices
where base is null or rate_pct is null
    or rate_pct not between -36 and 36
    or (base = 'fixed' and rate_pct <> 0 and rate_pct < 0.1)
    or (base <> 'fixed' and base not in (select rate from reference_rates))
