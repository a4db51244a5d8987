-- product_uplifts: product_id, version, lo
-- 上浮须在 0 至 1000 之间，答复天数须为正
-- an uplift is between 0 and 1000 percent, and an answer takes a day or more
from product_uplifts where uplift_pct is null or uplift_pct not between 0 and 1000 or coalesce(answer_days, 0) not between 1 and 3650
