{{ config(materialized='table') }}

with codes as (
    select * from {{ ref('int_codes__redirected') }}
),

-- A branch settles and is graded as a part of its legal person: what is said of the part never stands for the whole.
redirected as (
    select
        code,
        uscc
    from codes
    where not is_of_branch
)

select * from redirected
