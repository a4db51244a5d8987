with active_events as (
    select * from {{ ref('int_credit__events_active') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

events as (
    select
        active_events.uscc,
        active_events.event_no,
        active_events.event_type,
        active_events.severity,
        active_events.legal_basis,
        active_events.document_no,
        active_events.issuing_body,
        active_events.decided_on,
        active_events.publicity_end_on,
        active_events.removed_on,
        active_events.may_be_repaired
    from active_events
    inner join enterprises on active_events.uscc = enterprises.uscc
)

select * from events
