-- programme_conditions: kind, item_id, version, condition_no
-- 文本列表中有空白项或首尾空格
-- a list of texts has an empty one, or blanks around one
from programme_conditions
where len(list_filter(string_split(coalesce(one_of, none_of), ';'), lambda text: text = '' or text <> trim(text))) > 0
