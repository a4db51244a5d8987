-- One row per indicator, stage and segment of the rule set in force: from which value to which, and the share of the maximum
-- there. From `ruleset_rules.csv`, where a row for stage `*` stands for every stage; next: `segments`.
with all_rules as (
    select * from {{ ref('ruleset_rules') }}
),

stages as (
    select * from {{ ref('stages') }}
),

by_stage as (
    select
        all_rules.ruleset_id,
        all_rules.indicator_code,
        stages.stage,
        all_rules.function,
        all_rules.lo,
        coalesce(all_rules.inclusive_lo, true) as inclusive_lo,
        all_rules.hi,
        coalesce(all_rules.inclusive_hi, false) as inclusive_hi,
        all_rules.share_at_lo,
        coalesce(all_rules.share_at_hi, all_rules.share_at_lo) as share_at_hi,
        all_rules.label,
        coalesce(all_rules.label_en, all_rules.label) as label_en,
        all_rules.log_base,
        coalesce(all_rules.log_offset, 0) as log_offset,
        all_rules.peer_by,
        all_rules.minimum_peers
    from all_rules
    inner join stages
        on
            all_rules.ruleset_id = stages.ruleset_id
            and (all_rules.stage = stages.stage or all_rules.stage = '*')
),

labelled as (
    select
        *,
        row_number() over (partition by indicator_code, stage order by lo nulls first, hi nulls last) as segment,
        -- Values have six decimals, so an open side is the closed one a millionth further: a range is then one comparison
        -- at each end, and no value is far enough out to be outside both.
        case
            when lo is null then cast(-99999999999999 as decimal(20, 6))
            when inclusive_lo then lo
            else cast(lo + 0.000001 as decimal(20, 6))
        end as from_value,
        case
            when hi is null then cast(99999999999999 as decimal(20, 6))
            when inclusive_hi then cast(hi + 0.000001 as decimal(20, 6))
            else hi
        end as below_value,
        case
            when lo is null then '(-∞'
            when inclusive_lo then '[' || {{ plain_number('lo') }}
            else '(' || {{ plain_number('lo') }}
        end
        || ', '
        || case
            when hi is null then '+∞)'
            when inclusive_hi then {{ plain_number('hi') }} || ']'
            else {{ plain_number('hi') }} || ')'
        end as range_text
    from by_stage
),

-- `bin` is the segment's range as text. Sentences name it in their language, tables in both languages.
named as (
    select
        *,
        coalesce(label, range_text) as bin_zh,
        coalesce(label_en, range_text) as bin_en,
        coalesce(case when label_en <> label then label || ' ' || label_en else label end, range_text) as bin
    from labelled
),

-- From here on: where more points would be, which the sentences of `segment_texts` alone need.
beside as (
    select
        *,
        lead(greatest(share_at_lo, share_at_hi)) over (partition by indicator_code, stage order by segment) as share_above,
        lead(share_at_lo) over (partition by indicator_code, stage order by segment) as share_right_above,
        lead(lo) over (partition by indicator_code, stage order by segment) as lo_above,
        lead(inclusive_lo) over (partition by indicator_code, stage order by segment) as has_lo_above,
        lead(hi) over (partition by indicator_code, stage order by segment) as hi_above,
        lag(greatest(share_at_lo, share_at_hi)) over (partition by indicator_code, stage order by segment) as share_below,
        lag(share_at_hi) over (partition by indicator_code, stage order by segment) as share_right_below,
        lag(lo) over (partition by indicator_code, stage order by segment) as lo_below,
        lag(hi) over (partition by indicator_code, stage order by segment) as hi_below,
        lag(inclusive_hi) over (partition by indicator_code, stage order by segment) as has_hi_below,
        lead(bin_zh) over (partition by indicator_code, stage order by segment) as bin_above_zh,
        lag(bin_zh) over (partition by indicator_code, stage order by segment) as bin_below_zh,
        lead(bin_en) over (partition by indicator_code, stage order by segment) as bin_above_en,
        lag(bin_en) over (partition by indicator_code, stage order by segment) as bin_below_en
    from named
),

-- At the end of a slope, or else at the nearest better segment on either side.
improved as (
    select
        ruleset_id,
        indicator_code,
        stage,
        function,
        segment,
        lo,
        inclusive_lo,
        hi,
        inclusive_hi,
        from_value,
        below_value,
        share_at_lo,
        share_at_hi,
        label,
        label_en,
        log_base,
        log_offset,
        peer_by,
        minimum_peers,
        bin,
        bin_zh,
        bin_en,
        case
            when share_at_hi > share_at_lo then hi
            when share_at_lo > share_at_hi then lo
            when share_above > share_at_lo then case when share_right_above > share_at_lo then lo_above else hi_above end
            when share_below > share_at_lo then case when share_right_below > share_at_lo then hi_below else lo_below end
        end as next_at,
        case
            when share_at_hi > share_at_lo and share_right_above > share_at_hi and has_lo_above then share_right_above
            when share_at_hi > share_at_lo then share_at_hi
            when share_at_lo > share_at_hi then share_at_lo
            when share_above > share_at_lo
                then case when share_right_above > share_at_lo then share_right_above else share_above end
            when share_below > share_at_lo
                then case when share_right_below > share_at_lo then share_right_below else share_below end
        end as next_share,
        -- Whether that value itself is still on this side: then more is to be had only beyond it.
        case
            when share_at_hi <> share_at_lo then null
            when share_above > share_at_lo and share_right_above > share_at_lo and not has_lo_above then 'above'
            when share_above > share_at_lo then null
            when share_right_below > share_at_lo and not has_hi_below then 'below'
        end as next_beyond,
        case
            when share_at_hi <> share_at_lo then bin_zh
            when share_above > share_at_lo then bin_above_zh
            when share_below > share_at_lo then bin_below_zh
        end as next_bin_zh,
        case
            when share_at_hi <> share_at_lo then bin_en
            when share_above > share_at_lo then bin_above_en
            when share_below > share_at_lo then bin_below_en
        end as next_bin_en
    from beside
)

select * from improved
