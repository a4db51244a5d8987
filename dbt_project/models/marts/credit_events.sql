with active_events as (
    select * from {{ ref('int_credit__events_active') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

events as (
    select active_events.*
    from active_events
    inner join enterprises on active_events.uscc = enterprises.uscc
)

select * from events
