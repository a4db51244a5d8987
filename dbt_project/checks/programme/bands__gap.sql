-- {file}: product_id, version, lo_text, hi_text
-- 与下一档之间有空档，或首尾不是开口
-- leaves a gap before the next band, or the first or the last is not open
from bands
where hi < next_lo or (place = 1 and lo is not null) or (place = band_count and hi is not null)
