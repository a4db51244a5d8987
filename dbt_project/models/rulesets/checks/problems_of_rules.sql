{%- set functions = [
    'step', 'linear_capped', 'log_capped', 'percentile_in_peer', 'count_weighted', 'level_map', 'deduct', 'veto'
] %}
with indicators as (
    select * from {{ ref('ruleset_indicators') }}
),

stages as (
    select * from {{ ref('ruleset_stages') }}
),

written as (
    select
        *,
        coalesce(inclusive_lo, true) as has_lo,
        coalesce(inclusive_hi, false) as has_hi,
        coalesce(share_at_hi, share_at_lo) as share_at_end
    from {{ ref('ruleset_rules') }}
),

wanted as (
    select
        indicators.ruleset_id,
        indicators.indicator_code,
        indicators.direction,
        stages.stage
    from indicators
    inner join stages on indicators.ruleset_id = stages.ruleset_id
),

resolved as (
    select
        wanted.direction,
        wanted.stage as for_stage,
        written.*,
        coalesce(cast(written.lo as varchar), '-∞') as lo_text,
        coalesce(cast(written.hi as varchar), '+∞') as hi_text
    from wanted
    inner join written
        on
            wanted.ruleset_id = written.ruleset_id
            and wanted.indicator_code = written.indicator_code
            and (wanted.stage = written.stage or written.stage = '*')
),

beside as (
    select
        *,
        row_number() over (
            partition by ruleset_id, indicator_code, for_stage order by lo nulls first, hi nulls last
        ) as place,
        count(*) over (partition by ruleset_id, indicator_code, for_stage) as segment_count,
        lead(lo) over (partition by ruleset_id, indicator_code, for_stage order by lo nulls first, hi nulls last) as next_lo,
        lead(has_lo) over (
            partition by ruleset_id, indicator_code, for_stage order by lo nulls first, hi nulls last
        ) as next_has_lo,
        lead(share_at_lo) over (
            partition by ruleset_id, indicator_code, for_stage order by lo nulls first, hi nulls last
        ) as next_share
    from resolved
),

ruleless as (
    select wanted.*
    from wanted
    left join resolved
        on
            wanted.ruleset_id = resolved.ruleset_id
            and wanted.indicator_code = resolved.indicator_code
            and wanted.stage = resolved.for_stage
    where resolved.ruleset_id is null
),

stray as (
    select written.*
    from written
    left join wanted
        on
            written.ruleset_id = wanted.ruleset_id
            and written.indicator_code = wanted.indicator_code
            and (written.stage = wanted.stage or written.stage = '*')
    where wanted.ruleset_id is null
),

mixed as (
    select
        ruleset_id,
        indicator_code
    from written
    group by ruleset_id, indicator_code
    having
        count(distinct function) > 1
        or count(distinct coalesce(log_offset, 0)) > 1
        or count(distinct coalesce(peer_by, '')) > 1
        or count(distinct coalesce(minimum_peers, 0)) > 1
),

problems as (
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage'], "'该指标在该阶段没有评分规则'", "'no rule for this indicator in this stage'") }}
    from ruleless
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage'], "'没有这个指标或阶段'", "'no such indicator or stage'") }}
    from stray
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code'], "'同一指标的各档须用同一函数和同一组参数'", "'all segments of an indicator share one function and its parameters'") }}
    from mixed
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'未知的函数 ' || coalesce(function, '-') || '，须为 " ~ functions | join('、') ~ "之一'", "'unknown function ' || coalesce(function, '-') || ': one of " ~ functions | join(', ') ~ "'") }}
    from written
    where
        coalesce(function, '') not in ('{{ functions | join("', '") }}')
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage', 'lo_text', 'hi_text'], "'首档须无下限，末档须无上限'", "'the first segment is open below and the last above'") }}
    from beside
    where (place = 1) <> (lo is null) or (place = segment_count) <> (hi is null)
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage'], "'至多 899 档'", "'899 segments at most'") }}
    from beside
    where segment_count > 899
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage', 'lo_text', 'hi_text'], "'与下一档重叠'", "'overlaps the next segment'") }}
    from beside
    where place < segment_count and (hi > next_lo or (hi = next_lo and has_hi and next_has_lo))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage', 'lo_text', 'hi_text'], "'与下一档之间有缺口'", "'leaves a gap before the next segment'") }}
    from beside
    where place < segment_count and (hi < next_lo or (hi = next_lo and not has_hi and not next_has_lo))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'档的上下限颠倒或为空档'", "'the segment is empty or upside down'") }}
    from written
    where lo > hi or (lo = hi and not (has_lo and has_hi))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'份额须在 0 与 1 之间'", "'a share is between 0 and 1'") }}
    from written
    where share_at_lo is null or share_at_lo not between 0 and 1 or share_at_end not between 0 and 1
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'无上限或无下限的档须为水平'", "'a segment with an open end is flat'") }}
    from written
    where (lo is null or hi is null) and share_at_lo <> share_at_end
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'该函数的档须为水平'", "'a segment of this function is flat'") }}
    from written
    where function in ('step', 'level_map', 'veto') and share_at_lo <> share_at_end
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage', 'lo_text', 'hi_text'], "'折线在档界处跳跃'", "'the line jumps at the end of the segment'") }}
    from beside
    where function in ('linear_capped', 'log_capped') and place < segment_count and share_at_end <> next_share
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'for_stage', 'lo_text', 'hi_text'], "'与指标方向相反：更好的值得分更少'", "'against the direction of the indicator: a better value would give fewer points'") }}
    from beside
    where
        (direction = 'higher_is_better' and (share_at_end < share_at_lo or next_share < share_at_end))
        or (direction = 'lower_is_better' and (share_at_end > share_at_lo or next_share > share_at_end))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'log_capped 须写明大于 1 的底数，且下限加偏移量大于 0'", "'log_capped states a base above 1, and lo + log_offset is above 0'") }}
    from written
    where
        function = 'log_capped'
        and (coalesce(log_base, 0) <= 1 or (share_at_lo <> share_at_end and lo + coalesce(log_offset, 0) <= 0))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'percentile_in_peer 须写明 peer_by（all、stage、industry、stage_industry）和不小于 2 的 minimum_peers，档在 0 与 100 之间'", "'percentile_in_peer states peer_by (all, stage, industry, stage_industry) and minimum_peers of 2 or more, over 0 to 100'") }}
    from written
    where
        function = 'percentile_in_peer'
        and (
            coalesce(peer_by, '') not in ('all', 'stage', 'industry', 'stage_industry')
            or coalesce(minimum_peers, 0) < 2
            or lo not between 0 and 100
            or hi not between 0 and 100
        )
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'lo', 'hi'], "'只有 log_capped 用 log_base、log_offset，只有 percentile_in_peer 用 peer_by、minimum_peers'", "'log_base and log_offset belong to log_capped alone, peer_by and minimum_peers to percentile_in_peer'") }}
    from written
    where
        (function <> 'log_capped' and (log_base is not null or log_offset is not null))
        or (function <> 'percentile_in_peer' and (peer_by is not null or minimum_peers is not null))
    union all
    select {{ problem('rules', ['ruleset_id', 'indicator_code', 'stage', 'label'], "'档的名称须中英文都有'", "'a label stands in both languages'") }}
    from written
    where (label is null) <> (label_en is null)
)

select * from problems
