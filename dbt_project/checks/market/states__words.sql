-- market_states: state
-- 状态重复，或缺少范围、次序、是否开放、是否过期、名称
-- duplicate row, or the scope, the place, is_open, expires or a name is missing
select state from market_states
where
    coalesce(scope, '') not in ('need', 'bank', 'both')
    or place is null or is_open is null or expires is null or name_zh is null or name_en is null
union all
select state from market_states group by state having count(*) > 1
