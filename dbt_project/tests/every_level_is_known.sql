{{ config(meta={'whose': 'config'}) }}
-- Guards: each level that a record of a counted indicator states has its quantity in the rule set in force.
-- Why: a level that the rule set forgot would add nothing to a sum, and the enterprise would look as if it had no such record.
with evidence as (
    select * from {{ ref('evidence') }}
),

grades as (
    select
        uscc,
        'L19' as indicator_code,
        grade
    from {{ ref('int_evaluations__latest') }}
    union all
    select
        uscc,
        'L20' as indicator_code,
        grade
    from {{ ref('int_grades__latest') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

levels as (
    select * from {{ ref('levels') }}
),

graded_by_levels as (
    select distinct indicator_code from levels
),

uncounted as (
    select
        evidence.indicator_code,
        evidence.level
    from evidence
    inner join graded_by_levels on evidence.indicator_code = graded_by_levels.indicator_code
    left join levels on evidence.indicator_code = levels.indicator_code and evidence.level = levels.level
    -- An event that may be repaired has a level, and no quantity all the same.
    where evidence.quantity is null and levels.quantity is null and evidence.indicator_code not in ('L19', 'L20')
),

unknown_grades as (
    select
        grades.indicator_code,
        grades.grade as level
    from grades
    inner join indicators on grades.indicator_code = indicators.indicator_code
    left join levels on grades.indicator_code = levels.indicator_code and grades.grade = levels.level
    where levels.quantity is null
),

unknown_levels as (
    select * from uncounted
    union all
    select * from unknown_grades
)

select * from unknown_levels
