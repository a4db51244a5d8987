{{ config(materialized='table') }}

{%- set counts = ['staff_total', 'sci_tech_staff', 'master_or_above', 'new_graduates'] -%}
with headcounts as (
    select * from {{ ref('int_headcounts__known') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'headcounts' and uscc is not null
),

by_unit as (
    select
        {% for count in counts %}
            {{ latest_value(count, 'month', 'years_back = 0') }} as {{ count }},
        {% endfor %}
        {{ latest_value('sci_tech_staff', 'month', 'years_back = 1') }} as prior_sci_tech_staff,
        max(case when years_back = 0 then 1 else 0 end) as is_counted,
        max(case when years_back = 1 then 1 else 0 end) as is_counted_prior,
        unit_no
    from headcounts
    group by unit_no
),

-- An enterprise may have several units; where one of them leaves a count out, the enterprise's count is not known.
by_enterprise as (
    select
        {% for count in counts %}
            case
                when sum(by_unit.is_counted) = count(by_unit.{{ count }}) then cast(sum(by_unit.{{ count }}) as bigint)
            end as {{ count }},
        {% endfor %}
        case
            when sum(by_unit.is_counted_prior) = count(by_unit.prior_sci_tech_staff)
                then cast(sum(by_unit.prior_sci_tech_staff) as bigint)
        end as prior_sci_tech_staff,
        max(by_unit.is_counted) = 1 as has_record,
        max(by_unit.is_counted_prior) = 1 as has_prior_record,
        units.uscc
    from by_unit
    inner join units on by_unit.unit_no = units.record_ref
    group by units.uscc
)

select * from by_enterprise
