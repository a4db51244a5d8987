-- One row per segment: the parts of the sentence about a value there that depend on the rules alone, for `scoring/explained`.
-- A sentence is
--   of a value that counts       head, value, middle, points, " of ", maximum, end
--   of one that does not         head, value, uncounted
--   of a gap                     head
-- and what would change it is  "From ", value, change, points more.
with segments as (
    select * from {{ ref('segments') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

rules as (
    select * from {{ ref('rules') }}
),

joined as (
    select
        segments.*,
        indicators.name_zh,
        indicators.name_en,
        indicators.unit_en,
        rules.bin_zh,
        rules.bin_en,
        rules.next_at,
        rules.next_share,
        rules.next_beyond,
        rules.next_bin_zh,
        rules.next_bin_en,
        segments.function = 'level_map' as is_level,
        case when segments.stage <> '' then segments.treatment end as effect,
        {{ plain_number('segments.points_maximum') }} as maximum,
        {{ plain_number('rules.next_at') }} as next_at_text
    from segments
    inner join indicators on segments.indicator_code = indicators.indicator_code
    left join rules
        on
            segments.indicator_code = rules.indicator_code
            and segments.stage = rules.stage
            and segments.segment = rules.segment
),

said as (
    select
        segment_id,
        case
            when segment >= 0 then name_zh || '：'
            when effect = 'zero' then name_zh || '：' || reason_zh || '；按规则计 0 分，满分 ' || maximum || ' 分。'
            when effect = 'refuse' then name_zh || '：' || reason_zh || '；按规则不予排名。'
            else name_zh || '：' || reason_zh || '；不计分，也不计入满分。'
        end as head_zh,
        case
            when segment >= 0 then name_en || ': '
            when effect = 'zero' then name_en || ': ' || reason_en || '; 0 of ' || maximum || ' points by rule.'
            when effect = 'refuse' then name_en || ': ' || reason_en || '; not ranked by rule.'
            else name_en || ': ' || reason_en || '; not scored and left out of the maximum.'
        end as head_en,
        -- A level is given by its name: its number in the rule set is not a figure of the enterprise.
        case when is_level then bin_zh end as value_name_zh,
        case when is_level then bin_en end as value_name_en,
        case when is_level then '，得 ' else ' ' || unit || '，在 ' || bin_zh || ' 档，得 ' end as middle_zh,
        case when is_level then ': ' else ' ' || unit_en || ', in ' || bin_en || ': ' end as middle_en,
        case when is_veto then ' 分；排名暂停。' else ' 分。' end as end_zh,
        case when is_veto then ' points; the rank is suspended.' else ' points.' end as end_en,
        case
            when segment < 0 then ''
            when segment = 0 then ' ' || unit || '；发展阶段未知，不计分，也不计入满分。'
            else ' ' || unit || '，在 ' || bin_zh || ' 档；同类指标取高者，本项不计。'
        end as uncounted_zh,
        case
            when segment < 0 then ''
            when segment = 0 then ' ' || unit_en || '; stage unknown, not scored and left out of the maximum.'
            else ' ' || unit_en || ', in ' || bin_en || '; the best of its kind counts, and this is not it.'
        end as uncounted_en,
        next_at,
        -- The points there would be: in a weighted mean they depend on the maximum.
        next_share,
        case
            when not is_mean
                then cast(cast(next_share as decimal(38, 10)) * (weight + deduction) - deduction as decimal(18, 6))
        end as next_total,
        case
            when effect = 'zero' then '补充该项数据后方可得分。'
            when is_level then ' 变为 ' || next_bin_zh || '，可多得 '
            else
                case next_beyond when 'above' then ' 变为高于 ' when 'below' then ' 变为低于 ' else ' 变为 ' end
                || next_at_text
                || case when function = 'percentile_in_peer' then '（百分位）' else ' ' || unit end || '，可多得 '
        end as change_zh,
        case
            when effect = 'zero' then 'Points only once this figure is supplied.'
            when is_level then ' to ' || next_bin_en || ': '
            else
                case next_beyond when 'above' then ' to more than ' when 'below' then ' to less than ' else ' to ' end
                || next_at_text
                || case when function = 'percentile_in_peer' then ' (percentile)' else ' ' || unit_en end || ': '
        end as change_en
    from joined
)

select * from said
