with grades as (
    select * from {{ ref('stg_tax__credit_grades') }}
),

redirected as (
    select * from {{ ref('int_filers__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        coalesce(redirected.uscc, grades.uscc) as uscc,
        grades.uscc as graded_under,
        grades.evaluation_year,
        grades.grade,
        grades.published_on,
        grades.learned_on,
        grades.raw_sha256,
        grades.raw_position
    from grades
    inner join in_force on grades.published_on <= in_force.as_of
    left join redirected on grades.uscc = redirected.code
)

select * from known
