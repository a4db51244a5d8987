-- items: kind, item_id, version
-- 编号只能用小写字母、数字和连字符
-- an id is lower-case letters, digits and hyphens
from items where not regexp_full_match(coalesce(item_id, ''), '[a-z][a-z0-9-]*') or not regexp_full_match(coalesce(version, ''), '[A-Za-z0-9.-]*[A-Za-z0-9]')
