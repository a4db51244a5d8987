-- programme_conditions: kind, item_id, version, condition_no
-- 文本列表须以半角分号分隔，且无空白项或首尾空格
-- a list of texts is separated by ; alone, without an empty one and without blanks around one
from programme_conditions
where len(list_filter(string_split(coalesce(one_of, none_of), ';'), lambda text: text = '' or text <> trim(text) or regexp_matches(text, '[；，、,|]'))) > 0
