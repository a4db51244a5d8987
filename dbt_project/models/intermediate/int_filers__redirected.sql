{{ config(materialized='table') }}

with codes as (
    select * from {{ ref('int_codes__redirected') }}
),

enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

branches as (
    select uscc from enterprises
    where parent_uscc is not null
),

-- A branch settles and is graded as a part of its legal person: what is said of the part never stands for the whole.
redirected as (
    select
        codes.code,
        codes.uscc
    from codes
    left join branches on codes.code = branches.uscc
    where branches.uscc is null
)

select * from redirected
