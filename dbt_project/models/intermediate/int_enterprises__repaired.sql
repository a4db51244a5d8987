-- The enterprises of which a credit event was repaired (`is_decided`), or removed before its publicity ended, by the business
-- date, and the day on which the last of it was decided and known. Their reports are recalled. Never sealed: a repaired entry
-- may not be used any more.
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

-- A court or an office that repairs an entry may send its removal alone. One that is removed at its end has lapsed.
lifted as (
    select
        event_no,
        true as is_decided,
        decided_on,
        learned_on
    from repairs
    where result = 'granted'
    union all
    select
        event_no,
        false as is_decided,
        removed_on as decided_on,
        learned_on
    from events
    where removed_on is not null and (publicity_end_on is null or removed_on < publicity_end_on)
),

repaired as (
    select
        coalesce(codes.uscc, events.uscc, mentions.uscc) as uscc,
        lifted.is_decided,
        max(greatest(lifted.decided_on, lifted.learned_on)) as known_on
    from events
    inner join lifted on events.event_no = lifted.event_no
    inner join in_force on lifted.decided_on <= in_force.as_of
    left join codes on events.uscc = codes.code
    left join mentions on events.event_no = mentions.record_ref
    group by coalesce(codes.uscc, events.uscc, mentions.uscc), lifted.is_decided
)

select * from repaired
where uscc is not null
