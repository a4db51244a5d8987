with insured as (
    select * from {{ ref('stg_talent__social_security') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'social_security' and uscc is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

december as (
    select
        insured.unit_no,
        {{ latest_value('insured.insured_count', 'insured.month', 'true') }} as insured_count
    from insured
    inner join in_force
        on insured.month >= in_force.december_start_on and insured.month <= in_force.year_end_on
    group by insured.unit_no
),

by_enterprise as (
    select
        units.uscc,
        case
            when count(*) = count(december.insured_count) then cast(sum(december.insured_count) as bigint)
        end as insured_count
    from december
    inner join units on december.unit_no = units.record_ref
    group by units.uscc
)

select * from by_enterprise
