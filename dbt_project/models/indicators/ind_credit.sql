-- One row per eligible enterprise and a column for each indicator, which begins with its code: `l19_credit_grade_level` is L19.
-- From grades, evaluations and the records of `int_counted__credit`; next: `scoring/measures`.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

evaluations as (
    select * from {{ ref('int_evaluations__latest') }}
),

grades as (
    select * from {{ ref('int_grades__latest') }}
),

records as (
    select * from {{ ref('int_counted__credit') }}
),

levels as (
    select * from {{ ref('levels') }}
),

supply as (
    select * from {{ ref('supply') }}
),

counted as (
    select
        uscc,
        sum(case when indicator_code = 'L21' and quantity is null then 1 else 0 end) as doubtful_entries,
        sum(case when indicator_code = 'L22' and quantity is null then 1 else 0 end) as doubtful_penalties,
        {{ counted_sum('L21') }} as dishonesty_entries,
        {{ counted_sum('L22') }} as penalties
    from records
    group by uscc
),

joined as (
    select
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        credit_levels.quantity as credit_grade_level,
        tax_levels.quantity as tax_grade_level,
        evaluations.uscc is not null as has_credit_evaluations_0,
        grades.uscc is not null as has_tax_credit_grades_0,
        -- With one event that may or may not count, the sum is not known.
        case
            when coalesce(counted.doubtful_entries, 0) = 0
                then coalesce(counted.dishonesty_entries, {{ absent_means('credit', 'events') }})
        end as dishonesty_entries,
        case
            when coalesce(counted.doubtful_penalties, 0) = 0
                then coalesce(counted.penalties, {{ absent_means('credit', 'events') }})
        end as penalties
    from enterprises
    left join evaluations on enterprises.uscc = evaluations.uscc
    left join levels as credit_levels
        on credit_levels.indicator_code = 'L19' and evaluations.grade = credit_levels.level
    left join grades on enterprises.uscc = grades.uscc
    left join levels as tax_levels
        on tax_levels.indicator_code = 'L20' and grades.grade = tax_levels.level
    left join counted on enterprises.uscc = counted.uscc
),

measured as (
    select
        enterprise_id,
        uscc,
        reporting_year,
        cast(credit_grade_level as decimal(20, 6)) as l19_credit_grade_level,
        cast(tax_grade_level as decimal(20, 6)) as l20_tax_grade_level,
        cast(dishonesty_entries as decimal(20, 6)) as l21_dishonesty_entries_count,
        cast(penalties as decimal(20, 6)) as l22_penalty_deduction,
        has_credit_evaluations_0,
        has_tax_credit_grades_0
    from joined
)

select * from measured
