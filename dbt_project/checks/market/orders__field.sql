-- market_orders: list, place
-- 没有这个名单或序号，或不能按此排序
-- no such list, no place, or it cannot be ordered by this
from market_orders
where not coalesce(
    (list = 'need_offers' and field in ('rate_pct', 'limit_fen', 'answer_days', 'term_months'))
    or (
        list = 'bank_prospects'
        and field in ('score', 'rank_overall', 'amount_fen', 'days_posted', 'limit_fen', 'rate_pct')
    ), false
) or place is null or coalesce(direction, '') not in ('lowest', 'highest')
