-- programme_facts: fact
-- 类别须为 number、text 或 months，且须有中英文名
-- kind must be number, text or months, with names in both languages
from programme_facts where coalesce(kind, '') not in ('number', 'text', 'months') or name_zh is null or name_en is null
