{{ config(materialized='table') }}

-- One row per eligible enterprise: its number within the warehouse, its stage and what decided it (`stage_basis`). From
-- `int_enterprises__measured` and the stages of the rule set in force; the models of indicators and of scoring begin with it.
with measured as (
    select * from {{ ref('int_enterprises__measured') }}
),

-- A tie is settled by the order of their names.
stages as (
    select
        *,
        revenue_low_cny is not null or revenue_high_cny is not null as has_revenue_limit,
        count(*) over () as stage_count,
        count(max_age_months) over () as stages_by_age,
        row_number() over (order by stage) as place
    from {{ ref('stages') }}
),

-- Where an enterprise fits several stages, a stated stage goes before its age, the lowest age that it is under before a
-- higher one, and its age before its revenue: 0 is stated, up to 999,999 by age, a million and more by neither.
candidates as (
    select
        measured.uscc,
        stages.place,
        case
            when measured.stated_stage is not null then case when measured.stated_stage = stages.stage then 0 end
            when measured.founded_on > stages.young_if_founded_after_on then 1 + coalesce(stages.max_age_months, 0)
            -- A revenue that is not known is in no stage, not in the open-ended one.
            when
                stages.has_revenue_limit
                and (
                    stages.revenue_low_cny is null
                    or measured.operating_revenue_cny > stages.revenue_low_cny
                    or (stages.inclusive_low and measured.operating_revenue_cny = stages.revenue_low_cny)
                )
                and (
                    stages.revenue_high_cny is null
                    or measured.operating_revenue_cny < stages.revenue_high_cny
                    or (stages.inclusive_high and measured.operating_revenue_cny = stages.revenue_high_cny)
                )
                then 1000000
            -- Where stages are by age alone, the one without a limit takes the older ones. An age that is not known is in no
            -- stage.
            when
                stages.stage_count > 1
                and stages.stages_by_age > 0
                and stages.max_age_months is null
                and not stages.has_revenue_limit
                and measured.founded_on is not null
                then 1000000
            -- A rule set with one stage for all needs neither age nor revenue.
            when stages.stage_count = 1 and stages.stages_by_age = 0 and not stages.has_revenue_limit then 1000001
        end as preference
    from measured
    cross join stages
),

-- Preference and stage in one number, so that one pass over the candidates finds the stage of the least preference.
chosen as (
    select
        uscc,
        min(preference * 1000 + place) as choice
    from candidates
    group by uscc
),

staged as (
    select
        -- Within the warehouse an enterprise is a whole number, which is joined and sorted faster than its code.
        cast(row_number() over (order by measured.uscc) as integer) as enterprise_id,
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
        stages.stage,
        case
            when chosen.choice < 1000 then 'stated'
            when chosen.choice < 1000000000 then 'age'
            when stages.has_revenue_limit then 'revenue'
            when stages.stages_by_age > 0 then 'age'
            when chosen.choice is not null then 'only_stage'
        end as stage_basis
    from measured
    left join chosen on measured.uscc = chosen.uscc
    left join stages on chosen.choice % 1000 = stages.place
)

select * from staged
