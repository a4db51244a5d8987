with points as (
    select * from {{ ref('points') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

missing as (
    select * from {{ ref('ruleset_missing') }}
),

worded as (
    select
        points.*,
        indicators.name_zh,
        indicators.name_en,
        indicators.unit_en,
        missing.reason_zh as missing_zh,
        missing.reason_en as missing_en,
        {{ plain_number('points.value') }} as value_text,
        {{ plain_number('points.points') }} as points_text,
        {{ plain_number('points.points_maximum') }} as maximum_text
    from points
    inner join indicators
        on points.ruleset_id = indicators.ruleset_id and points.indicator_code = indicators.indicator_code
    left join missing
        on points.ruleset_id = missing.ruleset_id and points.supply_status = missing.supply_status
),

explained as (
    select
        uscc,
        indicator_code,
        points,
        -- What is left out of the maximum costs nothing.
        cast(case when is_counted then points_maximum - points else 0 end as decimal(9, 4)) as points_lost,
        points_maximum,
        is_counted,
        case
            when supply_status = 'supplied' and is_counted
                then
                    name_zh || '：' || value_text || ' ' || unit || '，在 ' || bin || ' 档，得 '
                    || points_text || ' 分，满分 ' || maximum_text || ' 分。'
            when supply_status = 'supplied'
                then name_zh || '：' || value_text || ' ' || unit || '；发展阶段未知，不计分，也不计入满分。'
            when treatment = 'zero'
                then name_zh || '：' || missing_zh || '；按规则计 0 分，满分 ' || coalesce(maximum_text, '0') || ' 分。'
            when treatment = 'refuse'
                then name_zh || '：' || missing_zh || '；按规则不予排名。'
            else name_zh || '：' || missing_zh || '；不计分，也不计入满分。'
        end as reason_zh,
        case
            when supply_status = 'supplied' and is_counted
                then
                    name_en || ': ' || value_text || ' ' || unit_en || ', in ' || bin || ': '
                    || points_text || ' of ' || maximum_text || ' points.'
            when supply_status = 'supplied'
                then
                    name_en || ': ' || value_text || ' ' || unit_en
                    || '; stage unknown, not scored and left out of the maximum.'
            when treatment = 'zero'
                then name_en || ': ' || missing_en || '; 0 of ' || coalesce(maximum_text, '0') || ' points by rule.'
            when treatment = 'refuse'
                then name_en || ': ' || missing_en || '; not ranked by rule.'
            else name_en || ': ' || missing_en || '; not scored and left out of the maximum.'
        end as reason_en
    from worded
)

select * from explained
