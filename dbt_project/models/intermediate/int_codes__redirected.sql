{{ config(materialized='table') }}

with codes as (
    select * from {{ ref('int_codes__resolved') }}
),

-- Kept few, so that joins with a million records stay fast.
redirected as (
    select
        code,
        uscc,
        is_of_branch
    from codes
    where length(code) = 18 and code <> uscc
)

select * from redirected
