{{ config(materialized='table') }}

with codes as (
    select * from {{ ref('int_codes__resolved') }}
),

-- Few, so that whoever joins them to a million records pays for few.
redirected as (
    select
        code,
        uscc,
        is_of_branch
    from codes
    where length(code) = 18 and code <> uscc
)

select * from redirected
