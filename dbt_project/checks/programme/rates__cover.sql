-- reference_rates: rate, valid_from
-- 与同一利率的下一行重叠，或中间有未覆盖的日期
-- overlaps the next row of the rate, or leaves days between them uncovered
select rate, valid_from
from (select *, lead(valid_from) over (partition by rate order by valid_from) as next_from from reference_rates)
where next_from - valid_to <> 1
