-- items: kind, item_id, version, expected
-- 没有结果为 {expected} 的算例
-- has no example with decision {expected}
with wanted as (
    select kind, item_id, version, expected
    from items
    cross join (select unnest(['eligible', 'near_miss', 'no']) as expected)
    where kind in ('product', 'policy')
)

from wanted anti join programme_cases using (kind, item_id, version, expected)
