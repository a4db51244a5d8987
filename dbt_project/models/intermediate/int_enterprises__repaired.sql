-- The enterprises of which a credit event was repaired by the business date, and the day on which the last repair was decided
-- and known. Their reports are recalled. Never sealed: a repaired entry may not be used any more.
with events as (
    {{ landed('credit', 'events') }}
),

repairs as (
    {{ landed('credit', 'repairs') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'events'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

repaired as (
    select
        coalesce(codes.uscc, events.uscc, mentions.uscc) as uscc,
        max(greatest(repairs.decided_on, repairs.learned_on)) as known_on
    from events
    inner join repairs on events.event_no = repairs.event_no
    inner join in_force on repairs.decided_on <= in_force.as_of
    left join codes on events.uscc = codes.code
    left join mentions on events.event_no = mentions.record_ref
    where repairs.result = 'granted'
    group by coalesce(codes.uscc, events.uscc, mentions.uscc)
)

select * from repaired
where uscc is not null
