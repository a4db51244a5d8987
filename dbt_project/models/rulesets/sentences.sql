with rules as (
    select * from {{ ref('rules') }}
),

weights as (
    select * from {{ ref('weights') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

stages as (
    select * from {{ ref('stages') }}
),

gaps as (
    select * from {{ ref('gaps') }}
),

numbers as (
    {%- for status in supply_statuses()[1:] %}
    select '{{ status }}' as supply_status, {{ -loop.index }} as segment {{ 'union all' if not loop.last }}
    {%- endfor %}
),

named as (
    select
        indicator_code,
        unit,
        unit_en,
        name_zh || '：' as head_zh,
        name_en || ': ' as head_en
    from indicators
),

-- A value in a segment: <head> value <middle> points <tail>, and out of how many.
hits as (
    select
        rules.indicator_code,
        rules.stage,
        cast(rules.segment as integer) as segment,
        named.head_zh,
        named.head_en,
        ' ' || named.unit || '，在 ' || rules.bin || ' 档，得 ' as middle_zh,
        ' ' || named.unit_en || ', in ' || rules.bin || ': ' as middle_en,
        ' 分，满分 ' as tail_zh,
        ' of ' as tail_en,
        {{ plain_number('weights.points_maximum') }} as maximum_text,
        ' 分。' as end_zh,
        ' points.' as end_en,
        ' ' || named.unit || '，在 ' || rules.bin || ' 档；同类指标取高者，本项不计。' as uncounted_zh,
        ' ' || named.unit_en || ', in ' || rules.bin || '; the best of its kind counts, and this is not it.' as uncounted_en,
        rules.next_at,
        rules.next_share,
        cast(rules.next_share * (weights.weight + weights.deduction) - weights.deduction as decimal(18, 6)) as next_total,
        case rules.next_beyond when 'above' then ' 变为高于 ' when 'below' then ' 变为低于 ' else ' 变为 ' end
        || {{ plain_number('rules.next_at') }} || case
            when rules.function = 'percentile_in_peer' then '（百分位），可多得 ' else ' ' || named.unit || '，可多得 '
        end as change_zh,
        case rules.next_beyond when 'above' then ' to more than ' when 'below' then ' to less than ' else ' to ' end
        || {{ plain_number('rules.next_at') }} || case
            when rules.function = 'percentile_in_peer' then ' (percentile): ' else ' ' || named.unit_en || ': '
        end as change_en
    from rules
    inner join named on rules.indicator_code = named.indicator_code
    inner join weights on rules.indicator_code = weights.indicator_code and rules.stage = weights.stage
),

-- No value: the whole sentence stands in the head.
misses as (
    select
        gaps.indicator_code,
        stages.stage,
        numbers.segment,
        named.head_zh || gaps.reason_zh || case gaps.treatment
            when 'zero' then '；按规则计 0 分，满分 ' || {{ plain_number('weights.points_maximum') }} || ' 分。'
            when 'refuse' then '；按规则不予排名。'
            else '；不计分，也不计入满分。'
        end as head_zh,
        named.head_en || gaps.reason_en || case gaps.treatment
            when 'zero' then '; 0 of ' || {{ plain_number('weights.points_maximum') }} || ' points by rule.'
            when 'refuse' then '; not ranked by rule.'
            else '; not scored and left out of the maximum.'
        end as head_en,
        case when gaps.treatment = 'zero' then '补充该项数据后方可得分。' end as change_zh,
        case when gaps.treatment = 'zero' then 'Points only once this figure is supplied.' end as change_en
    from gaps
    inner join numbers on gaps.supply_status = numbers.supply_status
    inner join named on gaps.indicator_code = named.indicator_code
    cross join stages
    inner join weights on gaps.indicator_code = weights.indicator_code and stages.stage = weights.stage
),

-- A value of an enterprise whose stage is not known; such a gap says the same whatever the stage.
unstaged as (
    select
        indicator_code,
        0 as segment,
        head_zh,
        head_en,
        ' ' || unit || '；发展阶段未知，不计分，也不计入满分。' as uncounted_zh,
        ' ' || unit_en || '; stage unknown, not scored and left out of the maximum.' as uncounted_en
    from named
    union all
    select
        gaps.indicator_code,
        numbers.segment,
        named.head_zh || gaps.reason_zh || '；不计分，也不计入满分。' as head_zh,
        named.head_en || gaps.reason_en || '; not scored and left out of the maximum.' as head_en,
        '' as uncounted_zh,
        '' as uncounted_en
    from gaps
    inner join numbers on gaps.supply_status = numbers.supply_status
    inner join named on gaps.indicator_code = named.indicator_code
),

sentences as (
    select
        indicator_code, stage, segment, head_zh, head_en, middle_zh, middle_en, tail_zh, tail_en, maximum_text, end_zh, end_en,
        uncounted_zh, uncounted_en, next_at, next_share, next_total, change_zh, change_en
    from hits
    union all
    select
        indicator_code, stage, segment, head_zh, head_en, '' as middle_zh, '' as middle_en, '' as tail_zh, '' as tail_en,
        '' as maximum_text, '' as end_zh, '' as end_en, '' as uncounted_zh, '' as uncounted_en, null as next_at,
        null as next_share, null as next_total, change_zh, change_en
    from misses
    union all
    select
        indicator_code, '' as stage, segment, head_zh, head_en, '' as middle_zh, '' as middle_en, '' as tail_zh, '' as tail_en,
        '' as maximum_text, '' as end_zh, '' as end_en, uncounted_zh, uncounted_en, null as next_at, null as next_share,
        null as next_total, null as change_zh, null as change_en
    from unstaged
)

select * from sentences
