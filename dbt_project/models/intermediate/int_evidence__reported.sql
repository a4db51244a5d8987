with headcounts as (
    select * from {{ ref('int_headcounts__known') }}
),

units as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'talent' and dataset = 'headcounts' and uscc is not null
),

torch_reports as (
    select * from {{ ref('int_torch__reported') }}
),

scopes as (
    select * from {{ ref('int_scopes__declared') }}
),

evaluations as (
    select * from {{ ref('int_evaluations__known') }}
),

successions as (
    select * from {{ ref('int_successions__followed') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

headcounts_in_order as (
    select
        headcounts.*,
        units.uscc,
        row_number() over (partition by headcounts.unit_no, headcounts.years_back order by headcounts.month desc) as place
    from headcounts
    inner join units on headcounts.unit_no = units.record_ref
),

counted_staff as (
    select
        uscc,
        'talent' as source,
        'headcounts' as dataset,
        years_back,
        unit_no || '|' || cast(month as varchar) as record_ref,
        month as dated_on,
        learned_on,
        cast(null as varchar) as level,
        raw_sha256,
        raw_position
    from headcounts_in_order
    where place = 1
),

-- Who was merged into the enterprise in the year is in the base of its growth.
absorbed_staff as (
    select
        successions.uscc,
        counted_staff.source,
        counted_staff.dataset,
        counted_staff.years_back,
        counted_staff.record_ref,
        counted_staff.dated_on,
        counted_staff.learned_on,
        counted_staff.level,
        counted_staff.raw_sha256,
        counted_staff.raw_position
    from successions
    inner join counted_staff on successions.predecessor_uscc = counted_staff.uscc and counted_staff.years_back = 1
    where successions.is_in_base and not successions.is_first_year and not successions.is_endless
),

reported as (
    select
        torch_reports.uscc,
        'science' as source,
        'torch_reports' as dataset,
        0 as years_back,
        torch_reports.reported_under || '|' || cast(in_force.reporting_year as varchar) as record_ref,
        torch_reports.reported_on as dated_on,
        torch_reports.learned_on,
        cast(null as varchar) as level,
        torch_reports.raw_sha256,
        torch_reports.raw_position
    from torch_reports
    cross join in_force
),

declared as (
    select
        uscc,
        'science' as source,
        'business_scopes' as dataset,
        0 as years_back,
        declared_under || '|' || ipc_subclass as record_ref,
        cast(null as date) as dated_on,
        learned_on,
        ipc_subclass as level,
        raw_sha256,
        raw_position
    from scopes
),

evaluations_in_order as (
    select
        *,
        row_number() over (partition by uscc order by batch_month desc, updated_at desc, evaluation_no desc) as place
    from evaluations
),

evaluated as (
    select
        uscc,
        'credit' as source,
        'evaluations' as dataset,
        0 as years_back,
        evaluation_no as record_ref,
        batch_month as dated_on,
        learned_on,
        grade as level,
        raw_sha256,
        raw_position
    from evaluations_in_order
    where place = 1
),

used as (
    select * from counted_staff
    union all
    select * from absorbed_staff
    union all
    select * from reported
    union all
    select * from declared
    union all
    select * from evaluated
)

select * from used
