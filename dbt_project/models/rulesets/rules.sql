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
        all_rules.hi,
        all_rules.share_at_lo,
        all_rules.slope
    from all_rules
    inner join stages
        on
            all_rules.ruleset_id = stages.ruleset_id
            and (all_rules.stage = stages.stage or all_rules.stage = '*')
),

labelled as (
    select
        *,
        case
            when lo is null and hi is null then '(-∞, +∞)'
            when lo is null then '(-∞, ' || {{ plain_number('hi') }} || ')'
            when hi is null then '[' || {{ plain_number('lo') }} || ', +∞)'
            else '[' || {{ plain_number('lo') }} || ', ' || {{ plain_number('hi') }} || ')'
        end as bin
    from by_stage
)

select * from labelled
