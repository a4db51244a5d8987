-- programme_conditions: kind, item_id, version, condition_no, fact
-- 条件文字没有写出所用指标的名称（{name_zh}）：文字与指标可能不是同一件事
-- the texts do not name the indicator as its rule set does ({name_en}): they may speak of another
with named as (
    select
        programme_conditions.*,
        indicators.name_zh,
        indicators.name_en,
        contains(programme_conditions.text_zh, indicators.name_zh)
        and contains(lower(programme_conditions.text_en), lower(indicators.name_en)) as is_named
    from programme_conditions
    inner join ruleset_indicators as indicators on programme_conditions.fact = indicators.indicator_code
)

from named
qualify not bool_or(is_named) over (partition by kind, item_id, version, condition_no)
