{{ config(materialized='table') }}

{%- set newest_first = ['evaluation_year', 'published_on'] -%}
with grades as (
    {{ landed('tax', 'credit_grades') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
    where not is_of_branch
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        coalesce(redirected.uscc, grades.uscc) as uscc,
        {{ record_ref('grades', ['uscc', 'evaluation_year', 'published_on']) }} as record_ref,
        grades.evaluation_year,
        grades.grade,
        grades.published_on
    from grades
    inner join in_force on grades.published_on <= in_force.as_of
    left join redirected on grades.uscc = redirected.code
),

-- The latest year evaluated, and of that year what was published last: a review in the year changes the grade.
latest as (
    select
        uscc,
        {{ latest_value('grade', newest_first, 'true') }} as grade,
        {{ latest_value('published_on', newest_first, 'true') }} as published_on,
        {{ latest_value('record_ref', newest_first, 'true') }} as record_ref
    from known
    group by uscc
)

select * from latest
