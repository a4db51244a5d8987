{{ config(materialized='table') }}

{%- set counts = ['staff_total', 'sci_tech_staff', 'master_or_above', 'new_graduates'] -%}
with headcounts as (
    select * from {{ ref('stg_talent__headcounts') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and uscc is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

december as (
    select
        {% for count in counts %}
            {{ latest_value('headcounts.' ~ count, 'headcounts.month', 'true') }} as {{ count }},
        {% endfor %}
        headcounts.unit_no
    from headcounts
    inner join in_force
        on headcounts.month >= in_force.december_start_on and headcounts.month <= in_force.year_end_on
    group by headcounts.unit_no
),

-- An enterprise may have several units; where one of them leaves a count out, the enterprise's count is not known.
by_enterprise as (
    select
        {% for count in counts %}
            case
                when count(*) = count(december.{{ count }}) then cast(sum(december.{{ count }}) as bigint)
            end as {{ count }},
        {% endfor %}
        units.uscc
    from december
    inner join units on december.unit_no = units.record_ref
    group by units.uscc
)

select * from by_enterprise
