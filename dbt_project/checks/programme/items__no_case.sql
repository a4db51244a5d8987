-- items: kind, item_id, version, expected
-- 没有结果为 {expected} 的算例
-- has no example with decision {expected}
with wanted as (
    select kind, item_id, version, expected
    from items
    cross join (select unnest(['eligible', 'near_miss', 'no']) as expected)
    where
        kind in ('product', 'policy')
        -- Where no condition has a `near`, nobody is near.
        and (
            expected <> 'near_miss'
            or exists (
                from programme_conditions
                where (kind, item_id, version) = (items.kind, items.item_id, items.version) and near is not null
            )
        )
)

from wanted anti join programme_cases using (kind, item_id, version, expected)
