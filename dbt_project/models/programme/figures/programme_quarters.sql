{{ config(materialized='view') }}

{#- Three years: the quarter of the business date and the eleven before it. -#}
{%- set quarters_shown = 12 -%}
with in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

starts as (
    {% for back in range(quarters_shown) %}
        select
            cast({{ dbt.dateadd('month', -3 * back, quarter_start('as_of')) }} as date) as starts_on,
            as_of
        from in_force
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- The last quarter ends, so far, on the business date.
quarters as (
    select
        cast(extract(year from starts_on) as varchar) || 'Q' || cast(extract(quarter from starts_on) as varchar) as quarter,
        starts_on,
        least(cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 3, 'starts_on')) }} as date), as_of) as ends_on
    from starts
)

select * from quarters
