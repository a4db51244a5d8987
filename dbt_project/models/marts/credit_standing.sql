with enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

evaluations as (
    select * from {{ ref('stg_credit__evaluations') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'evaluations'
),

refusals as (
    select * from {{ ref('int_refusals__resolved') }}
    where source = 'credit' and dataset = 'events'
),

active_events as (
    select * from {{ ref('int_credit__events_active') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

supply as (
    select * from {{ ref('stg_pipeline__supply') }}
),

graded as (
    select
        coalesce(evaluations.uscc, mentions.uscc) as uscc,
        evaluations.grade,
        evaluations.batch_month,
        evaluations.updated_at,
        evaluations.evaluation_no
    from evaluations
    inner join in_force on evaluations.batch_month <= in_force.as_of
    left join mentions on evaluations.evaluation_no = mentions.record_ref
),

ordered as (
    select
        *,
        row_number() over (partition by uscc order by batch_month desc, updated_at desc, evaluation_no desc) as newest_rank
    from graded
    where uscc is not null
),

event_counts as (
    select
        uscc,
        count(*) as active_credit_events,
        max(decided_on) as last_event_decided_on
    from active_events
    group by uscc
),

standing as (
    select
        enterprises.uscc,
        ordered.grade as credit_grade,
        ordered.batch_month as credit_grade_month,
        -- A refused event may be the grave one: whatever else landed, how many there are is not known.
        case
            when refusals.uscc is null
                then cast(coalesce(event_counts.active_credit_events, {{ absent_means('credit', 'events') }}) as bigint)
        end as active_credit_events,
        event_counts.last_event_decided_on
    from enterprises
    left join ordered on enterprises.uscc = ordered.uscc and ordered.newest_rank = 1
    left join event_counts on enterprises.uscc = event_counts.uscc
    left join refusals on enterprises.uscc = refusals.uscc
)

select * from standing
