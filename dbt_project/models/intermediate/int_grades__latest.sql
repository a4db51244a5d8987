{{ config(materialized='table') }}

with known as (
    select * from {{ ref('int_grades__known') }}
),

-- The latest year evaluated, and of that year what was published last: a review in the year changes the grade.
latest as (
    select
        uscc,
        {{ latest_value('grade', ['evaluation_year', 'published_on'], 'true') }} as grade
    from known
    group by uscc
)

select * from latest
