-- items: kind, item_id, version
-- 缺少中文名、英文名或出处
-- no Chinese name, English name or provenance
from items where name_zh is null or name_en is null or provenance is null
