-- ruleset_indicators: ruleset_id, indicator_code
-- 缺少 {column_name}
-- {column_name} is empty
with words as (
    select ruleset_id, indicator_code, definition_zh, definition_en, unit, unit_en, class_zh, class_en
    from measured_by_night
)

from words unpivot include nulls (word for column_name in (columns(* exclude (ruleset_id, indicator_code))))
where trim(coalesce(word, '')) = ''
