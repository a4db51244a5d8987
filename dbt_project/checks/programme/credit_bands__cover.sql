-- credit_bands: fact, label
-- 与下一档重叠、有空档、首尾不开口，或没有名称
-- overlaps the next band, leaves a gap, is not open at an end, or has no label
from (
    select
        *,
        row_number() over ordered as place,
        count(*) over (partition by fact) as band_count,
        lead(lo) over ordered as next_lo
    from credit_bands
    window ordered as (partition by fact order by lo nulls first, hi nulls last)
)
where
    label is null
    or (place = 1 and lo is not null)
    or (place = band_count and hi is not null)
    or (place < band_count and hi is distinct from next_lo)
