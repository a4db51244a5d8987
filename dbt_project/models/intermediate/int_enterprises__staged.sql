{{ config(materialized='table') }}

with measured as (
    select * from {{ ref('int_enterprises__measured') }}
),

stages as (
    select
        *,
        revenue_low_cny is not null or revenue_high_cny is not null as has_revenue_line,
        count(*) over () as stage_count,
        count(max_age_months) over () as stages_by_age
    from {{ ref('stages') }}
),

-- Where several stages take an enterprise, what was stated of it goes before its age, the lowest age that it is under before a
-- higher one, and its age before its revenue.
by_statement as (
    select
        measured.uscc,
        stages.stage,
        'stated' as stage_basis,
        0 as preference
    from measured
    inner join stages on measured.stated_stage = stages.stage
),

by_age as (
    select
        measured.uscc,
        stages.stage,
        'age' as stage_basis,
        1 + coalesce(stages.max_age_months, 0) as preference
    from measured
    inner join stages on measured.founded_on > stages.young_if_founded_after_on
    where measured.stated_stage is null
),

-- Where stages are by age alone, the one without a limit takes the older ones. An age that is not known is in no stage.
by_higher_age as (
    select
        measured.uscc,
        stages.stage,
        'age' as stage_basis,
        1000000 as preference
    from measured
    inner join stages
        on stages.stage_count > 1 and stages.stages_by_age > 0 and stages.max_age_months is null and not stages.has_revenue_line
    where measured.founded_on is not null and measured.stated_stage is null
),

by_revenue as (
    select
        measured.uscc,
        stages.stage,
        'revenue' as stage_basis,
        1000000 as preference
    from measured
    inner join stages
        on
            (
                stages.revenue_low_cny is null
                or measured.operating_revenue_cny > stages.revenue_low_cny
                or (stages.inclusive_low and measured.operating_revenue_cny = stages.revenue_low_cny)
            )
            and (
                stages.revenue_high_cny is null
                or measured.operating_revenue_cny < stages.revenue_high_cny
                or (stages.inclusive_high and measured.operating_revenue_cny = stages.revenue_high_cny)
            )
    -- A revenue that is not known is in no stage, not in the open-ended one.
    where measured.operating_revenue_cny is not null and measured.stated_stage is null and stages.has_revenue_line
),

-- A rule set with one stage for all asks neither for age nor for revenue.
by_default as (
    select
        measured.uscc,
        stages.stage,
        'only_stage' as stage_basis,
        1000001 as preference
    from measured
    inner join stages on stages.stage_count = 1 and not stages.has_revenue_line and stages.stages_by_age = 0
    where measured.stated_stage is null
),

candidates as (
    select * from by_statement
    union all
    select * from by_age
    union all
    select * from by_higher_age
    union all
    select * from by_revenue
    union all
    select * from by_default
),

preferred as (
    select
        uscc,
        min(preference) as preference
    from candidates
    group by uscc
),

chosen as (
    select
        candidates.uscc,
        min(candidates.stage) as stage,
        min(candidates.stage_basis) as stage_basis
    from candidates
    inner join preferred on candidates.uscc = preferred.uscc and candidates.preference = preferred.preference
    group by candidates.uscc
),

staged as (
    select
        measured.uscc,
        measured.enterprise_name,
        measured.founded_on,
        measured.industry_code,
        measured.industry_name,
        measured.ruleset_id,
        measured.as_of,
        measured.reporting_year,
        measured.is_young,
        measured.operating_revenue_cny,
        chosen.stage,
        chosen.stage_basis
    from measured
    left join chosen on measured.uscc = chosen.uscc
)

select * from staged
