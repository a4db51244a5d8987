-- programme_conditions: kind, item_id, version, condition_no
-- 缺少中文或英文说明
-- no text in Chinese or English
from programme_conditions where text_zh is null or text_en is null
