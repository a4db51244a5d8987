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
