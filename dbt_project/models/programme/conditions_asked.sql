{{ config(materialized='view') }}

-- Conditions and their items under numbers, since millions of rows are tried on them: a number is joined and kept for less than
-- three texts. Conditions that stand for each other share the number of their first one.
with conditions as (
    select * from {{ ref('programme_conditions') }}
),

numbered as (
    select
        *,
        cast(dense_rank() over (order by kind, item_id, version) as integer) as item_no,
        cast(
            min(condition_no) over (
                partition by kind, item_id, version, coalesce(any_of, 'no ' || cast(condition_no as varchar))
            ) as integer
        ) as alternatives_no,
        any_of is not null as has_alternatives
    from conditions
)

select * from numbered
