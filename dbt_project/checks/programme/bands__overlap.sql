-- {file}: product_id, version, lo_text, hi_text
-- 与下一档重叠，或各档不是同一事实
-- overlaps the next band, or the bands are of different facts
from bands
where
    (place < band_count and coalesce(hi > next_lo, true))
    or (select count(distinct others.fact) from bands as others where others.file = bands.file and others.product_id = bands.product_id and others.version = bands.version) > 1
