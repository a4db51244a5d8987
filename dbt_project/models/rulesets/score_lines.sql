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

numbered as (
    select distinct
        indicator_code,
        position
    from {{ ref('scorecard_lines') }}
),

numbered_stages as (
    select distinct
        stage,
        stage_no
    from {{ ref('scorecard_lines') }}
),

named as (
    select
        indicators.indicator_code,
        numbered.position,
        ruleset_id,
        unit,
        unit_en,
        name_zh || '：' as head_zh,
        name_en || ': ' as head_en
    from indicators
    inner join numbered on indicators.indicator_code = numbered.indicator_code
),

-- A value in a segment: <head> value <middle> points <tail>, and out of how many.
hits as (
    select
        rules.indicator_code,
        rules.stage,
        cast(rules.segment as integer) as segment,
        named.head_zh,
        named.head_en,
        -- A level is said by its name: what it is worth in the rule set is not a figure of the enterprise.
        case when rules.function = 'level_map' then rules.bin_zh end as value_name_zh,
        case when rules.function = 'level_map' then rules.bin_en end as value_name_en,
        case
            when rules.function = 'level_map' then '，得 ' else ' ' || named.unit || '，在 ' || rules.bin_zh || ' 档，得 '
        end as middle_zh,
        case when rules.function = 'level_map' then ': ' else ' ' || named.unit_en || ', in ' || rules.bin_en || ': ' end as middle_en,
        ' 分，满分 ' as tail_zh,
        ' of ' as tail_en,
        {{ plain_number('weights.points_maximum') }} as maximum_text,
        case when rules.function = 'veto' and rules.share_at_lo < 1 then ' 分；排名暂停。' else ' 分。' end as end_zh,
        case
            when rules.function = 'veto' and rules.share_at_lo < 1 then ' points; the rank is suspended.' else ' points.'
        end as end_en,
        ' ' || named.unit || '，在 ' || rules.bin_zh || ' 档；同类指标取高者，本项不计。' as uncounted_zh,
        ' ' || named.unit_en || ', in ' || rules.bin_en || '; the best of its kind counts, and this is not it.' as uncounted_en,
        rules.next_at,
        rules.next_share,
        cast(
            cast(rules.next_share as decimal(38, 10)) * (weights.weight + weights.deduction) - weights.deduction as decimal(18, 6)
        ) as next_total,
        case
            when rules.function = 'level_map' then ' 变为 ' || rules.next_bin_zh || '，可多得 '
            else
                case rules.next_beyond when 'above' then ' 变为高于 ' when 'below' then ' 变为低于 ' else ' 变为 ' end
                || {{ plain_number('rules.next_at') }}
                || case when rules.function = 'percentile_in_peer' then '（百分位）' else ' ' || named.unit end || '，可多得 '
        end as change_zh,
        case
            when rules.function = 'level_map' then ' to ' || rules.next_bin_en || ': '
            else
                case rules.next_beyond when 'above' then ' to more than ' when 'below' then ' to less than ' else ' to ' end
                || {{ plain_number('rules.next_at') }}
                || case when rules.function = 'percentile_in_peer' then ' (percentile)' else ' ' || named.unit_en end || ': '
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
        '' as stage,
        0 as segment,
        head_zh,
        head_en,
        ' ' || unit || '；发展阶段未知，不计分，也不计入满分。' as uncounted_zh,
        ' ' || unit_en || '; stage unknown, not scored and left out of the maximum.' as uncounted_en
    from named
    union all
    select
        gaps.indicator_code,
        '' as stage,
        numbers.segment,
        named.head_zh || gaps.reason_zh || '；不计分，也不计入满分。' as head_zh,
        named.head_en || gaps.reason_en || '; not scored and left out of the maximum.' as head_en,
        '' as uncounted_zh,
        '' as uncounted_en
    from gaps
    inner join numbers on gaps.supply_status = numbers.supply_status
    inner join named on gaps.indicator_code = named.indicator_code
),

lines as (
    {%- set worded = [
        'head_zh', 'head_en', 'middle_zh', 'middle_en', 'tail_zh', 'tail_en', 'maximum_text', 'end_zh', 'end_en', 'uncounted_zh',
        'uncounted_en', 'value_name_zh', 'value_name_en', 'next_at', 'next_share', 'next_total', 'change_zh', 'change_en'
    ] %}
    {%- set said = {
        'hits': worded,
        'misses': ['head_zh', 'head_en', 'change_zh', 'change_en'],
        'unstaged': ['head_zh', 'head_en', 'uncounted_zh', 'uncounted_en']
    } %}
    {%- for relation, columns in said.items() %}
    select
        indicator_code,
        stage,
        segment
        {%- for column in worded %},
        {{ column if column in columns else ('null' if column.startswith('next_') or column.startswith('change_') or column.startswith('value_name_') else "''") }} as {{ column }}
        {%- endfor %}
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

facts as (
    select
        {{ line_number('named.position', 'coalesce(numbered_stages.stage_no, 0)', 'lines.segment') }} as line,
        named.ruleset_id,
        named.unit,
        -- A value that has nobody to be compared with is supplied, and missing in its own way.
        case when lines.segment >= 0 or numbers.supply_status = 'too_few_peers' then 'supplied' else numbers.supply_status end as supply_status,
        numbers.supply_status as gap,
        gaps.treatment,
        rules.function,
        rules.bin,
        rules.lo,
        rules.hi,
        rules.share_at_lo,
        rules.share_at_hi,
        rules.log_offset,
        weights.points_maximum,
        weights.weight,
        weights.deduction,
        weights.best_of,
        coalesce(rules.function = 'veto' and rules.share_at_lo < 1, false) as is_veto,
        lines.*
    from lines
    inner join named on lines.indicator_code = named.indicator_code
    left join numbered_stages on lines.stage = numbered_stages.stage
    left join numbers on lines.segment = numbers.segment
    left join gaps on lines.indicator_code = gaps.indicator_code and numbers.supply_status = gaps.supply_status
    left join rules
        on lines.indicator_code = rules.indicator_code and lines.stage = rules.stage and lines.segment = rules.segment
    left join weights on lines.indicator_code = weights.indicator_code and lines.stage = weights.stage
)

select * from facts
