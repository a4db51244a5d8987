with filings as (
    select * from {{ ref('int_filings__known') }}
),

deductions as (
    select * from {{ ref('int_deductions__latest') }}
),

grades as (
    select * from {{ ref('int_grades__known') }}
),

successions as (
    select * from {{ ref('int_successions__followed') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

filings_in_order as (
    select
        *,
        row_number() over (partition by uscc, years_back order by preferred_on desc) as place
    from filings
),

statements as (
    select
        uscc,
        'tax' as source,
        'statements' as dataset,
        years_back,
        filed_under || '|' || cast(fiscal_year as varchar) || '|' || cast(filed_on as varchar) as record_ref,
        filed_on as dated_on,
        learned_on,
        cast(null as varchar) as level,
        raw_sha256,
        raw_position
    from filings_in_order
    where place = 1
),

-- What was merged into the enterprise in the year is in the base of its growth.
absorbed as (
    select
        successions.uscc,
        statements.source,
        statements.dataset,
        statements.years_back,
        statements.record_ref,
        statements.dated_on,
        statements.learned_on,
        statements.level,
        statements.raw_sha256,
        statements.raw_position
    from successions
    inner join statements on successions.predecessor_uscc = statements.uscc and statements.years_back = 1
    where successions.is_in_base and not successions.is_first_year and not successions.is_endless
),

claims as (
    select
        deductions.uscc,
        'tax' as source,
        'rd_deductions' as dataset,
        0 as years_back,
        deductions.filed_under
        || '|' || cast(in_force.reporting_year as varchar)
        || '|' || cast(deductions.filed_on as varchar) as record_ref,
        deductions.filed_on as dated_on,
        deductions.learned_on,
        cast(null as varchar) as level,
        deductions.raw_sha256,
        deductions.raw_position
    from deductions
    cross join in_force
),

grades_in_order as (
    select
        *,
        row_number() over (partition by uscc order by evaluation_year desc, published_on desc) as place
    from grades
),

graded as (
    select
        uscc,
        'tax' as source,
        'credit_grades' as dataset,
        0 as years_back,
        graded_under || '|' || cast(evaluation_year as varchar) || '|' || cast(published_on as varchar) as record_ref,
        published_on as dated_on,
        learned_on,
        grade as level,
        raw_sha256,
        raw_position
    from grades_in_order
    where place = 1
),

used as (
    select * from statements
    union all
    select * from absorbed
    union all
    select * from claims
    union all
    select * from graded
)

select * from used
