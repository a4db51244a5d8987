-- The scorecard: one row per indicator, stage and segment, with what a value there is worth. From `rules`, `weights` and
-- `ruleset_missing`; next, `scoring/placed_values` finds for each value its one row. There are three kinds:
--   segment 1, 2, ...  a range of the rule, from `from_value` to `upto_value`, both included; `bin` is that range as text;
--   segment -1 to -5   there is no value; the number is that of the reason (`gaps` below), negative;
--   segment 0          there is a value, but the stage of the enterprise is not known (stage '').
-- A value on a flat segment is worth `flat_worth`, on a slope  worth_at_lo + rise x (value - lo) / width;  `taken_away` is
-- what a deduction takes from that. In points, or where the rule set takes weighted means in shares of 1, since there the
-- maximum of an indicator depends on what else the enterprise has.
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
    select stage from {{ ref('stages') }}
    union all
    select '' as stage
),

treatments as (
    select * from {{ ref('ruleset_missing') }}
),

in_force as (
    select aggregation = 'weighted_mean' as is_mean from {{ ref('ruleset_in_force') }}
),

-- A row for one indicator goes before one for all indicators.
treated as (
    select
        indicators.ruleset_id,
        indicators.indicator_code,
        treatments.supply_status,
        treatments.treatment,
        treatments.reason_zh,
        treatments.reason_en,
        row_number() over (
            partition by indicators.indicator_code, treatments.supply_status
            order by case when treatments.indicator_code = '*' then 1 else 0 end
        ) as choice
    from indicators
    inner join treatments
        on
            indicators.ruleset_id = treatments.ruleset_id
            and (indicators.indicator_code = treatments.indicator_code or treatments.indicator_code = '*')
),

-- How each way of being missing is treated: one row per indicator and supply status.
gaps as (
    select
        indicator_code,
        supply_status,
        -- The numbers in `measures` of the reasons for a missing value; the last one arises in the comparison with peers.
        case supply_status
            when 'source_not_supplied' then 1
            when 'record_not_supplied' then 2
            when 'value_not_supplied' then 3
            when 'not_defined' then 4
            when 'too_few_peers' then 5
        end as status,
        treatment,
        reason_zh,
        reason_en
    from treated
    where choice = 1
),

listed as (
    select
        indicator_code,
        stage,
        segment,
        0 as status
    from rules
    union all
    select
        gaps.indicator_code,
        stages.stage,
        -gaps.status as segment,
        gaps.status
    from gaps
    cross join stages
    where gaps.status is not null
    union all
    select
        indicator_code,
        '' as stage,
        0 as segment,
        0 as status
    from indicators
),

joined as (
    select
        listed.indicator_code,
        -- `measures` has a column of this name.
        lower(listed.indicator_code) as measure,
        listed.stage,
        cast(listed.segment as integer) as segment,
        cast(listed.status as tinyint) as status,
        indicators.ruleset_id,
        indicators.unit,
        indicators.module,
        indicators.class,
        weights.weight,
        weights.deduction,
        weights.best_of,
        weights.points_maximum,
        gaps.supply_status as gap,
        gaps.treatment,
        gaps.reason_zh,
        gaps.reason_en,
        rules.function,
        rules.bin,
        rules.lo,
        rules.hi,
        -- Values have six decimals, and fourteen digits before those.
        case when rules.lo is null then -99999999999999.999999 else rules.from_value end as from_value,
        cast(
            case when rules.hi is null then 99999999999999.999999 else rules.below_value - 0.000001 end as decimal(20, 6)
        ) as upto_value,
        rules.share_at_lo,
        rules.share_at_hi,
        rules.log_offset,
        -- Wide, since a product of decimals keeps the digits of both.
        cast(rules.share_at_lo as decimal(38, 10)) as share_from,
        cast(rules.share_at_hi as decimal(38, 10)) as share_to,
        in_force.is_mean,
        coalesce(rules.share_at_hi <> rules.share_at_lo, false) as is_slope,
        coalesce(rules.share_at_hi <> rules.share_at_lo and rules.function = 'log_capped', false) as is_log,
        -- What a share of 1 is worth more than a share of 0.
        case when in_force.is_mean then 1 else weights.weight + weights.deduction end as span,
        cast(case when listed.segment > 0 and not in_force.is_mean then weights.deduction else 0 end as decimal(18, 10))
            as taken_away
    from listed
    inner join indicators on listed.indicator_code = indicators.indicator_code
    cross join in_force
    left join weights on listed.indicator_code = weights.indicator_code and listed.stage = weights.stage
    left join gaps on listed.indicator_code = gaps.indicator_code and listed.status = gaps.status
    left join rules
        on listed.indicator_code = rules.indicator_code and listed.stage = rules.stage and listed.segment = rules.segment
),

numbered as (
    select
        *,
        cast(row_number() over (order by indicator_code, stage, segment) as integer) as segment_id,
        -- With too few peers a value is supplied, but not scored.
        case when segment >= 0 or gap = 'too_few_peers' then 'supplied' else gap end as supply_status,
        -- `best_of` indicators count once in a sum, with the largest weight among them.
        case
            when
                best_of is null
                or indicator_code
                = first_value(indicator_code) over (partition by best_of, stage order by weight desc, indicator_code asc)
                then points_maximum
            else 0
        end as points_listed,
        segment > 0 or (treatment = 'zero' and stage <> '') as is_counted,
        coalesce(treatment = 'refuse', false) as is_refused,
        coalesce(function = 'veto' and share_at_lo < 1, false) as is_veto,
        -- decimal(18, 12), by way of which points are rounded, has six digits before the point: more would overflow.
        span >= 1000000 as is_large,
        cast(case when is_mean then share_from else round(share_from * span, 6) end as decimal(18, 10)) as flat_worth,
        cast(share_from * span as double) as worth_at_lo,
        cast((share_to - share_from) * span as double) as rise,
        case when is_log then ln(cast(lo + log_offset as double)) end as log_at_lo,
        case
            when is_log then ln(cast(hi + log_offset as double)) - ln(cast(lo + log_offset as double))
            when is_slope then cast(hi - lo as double)
        end as width
    from joined
)

select * from numbered
