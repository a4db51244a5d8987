-- Guards: Q16: no credit event is used, in an indicator or in a mart, from the day on which it is repaired, removed or past its
-- publicity period.
-- Why: the law forbids it, and the enterprise was promised so when it put the matter right.
with evidence as (
    select * from {{ ref('evidence') }}
    where source = 'credit' and dataset = 'events'
),

published as (
    select * from {{ ref('credit_events') }}
),

events as (
    select * from {{ ref('stg_credit__events') }}
),

repairs as (
    select * from {{ ref('stg_credit__repairs') }}
    where result = 'granted'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

used as (
    select record_ref as event_no from evidence
    union distinct
    select event_no from published
),

wrongly_used as (
    select used.event_no
    from used
    inner join events on used.event_no = events.event_no
    cross join in_force
    left join repairs on used.event_no = repairs.event_no and in_force.as_of >= repairs.decided_on
    where
        repairs.event_no is not null
        or events.removed_on <= in_force.as_of
        or events.publicity_end_on < in_force.as_of
)

select * from wrongly_used
