with enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

evaluations as (
    select * from {{ ref('int_evaluations__latest') }}
),

refusals as (
    select * from {{ ref('int_refusals__resolved') }}
    where source = 'credit' and dataset = 'events'
),

active_events as (
    select * from {{ ref('credit_events') }}
),

supply as (
    select * from {{ ref('supply') }}
),

event_counts as (
    select
        uscc,
        count(*) as active_credit_events,
        sum(case when may_be_repaired then 1 else 0 end) as doubtful_credit_events
    from active_events
    group by uscc
),

standing as (
    select
        enterprises.uscc,
        evaluations.grade as credit_grade,
        evaluations.batch_month as credit_grade_month,
        -- A refused event may be a grave one, and one whose repair was refused may not count: their number is not known.
        case
            when refusals.uscc is null and coalesce(event_counts.doubtful_credit_events, 0) = 0
                then cast(coalesce(event_counts.active_credit_events, {{ absent_means('credit', 'events') }}) as bigint)
        end as active_credit_events
    from enterprises
    left join evaluations on enterprises.uscc = evaluations.uscc
    left join event_counts on enterprises.uscc = event_counts.uscc
    left join refusals on enterprises.uscc = refusals.uscc
)

select * from standing
