-- products: product_id, version
-- pattern、limit_method 或额度区间不对
-- pattern, limit_method, the limits, the step or the days are not what they may be
from products
where
    coalesce(pattern, '') not in ('admission_threshold', 'revenue_limit', 'score_variable', 'preapproved_list', 'green_channel')
    or coalesce(limit_method, '') not in ('whole', 'tiered')
    or (limit_method = 'tiered' and basis is null)
    or not coalesce(min_limit_cny >= 0 and min_limit_cny <= max_limit_cny and step_cny > 0, false)
    or coalesce(stands_days, 0) not between 1 and 3650 or coalesce(term_months, 0) not between 1 and 600 or is_addition is null or bank is null
