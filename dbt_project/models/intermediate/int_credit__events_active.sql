with events as (
    select * from {{ ref('stg_credit__events') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'events'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

identified as (
    select
        coalesce(events.uscc, mentions.uscc) as uscc,
        events.event_no,
        events.event_type,
        events.severity,
        events.legal_basis,
        events.document_no,
        events.issuing_body,
        events.decided_on,
        events.publicity_end_on,
        events.removed_on
    from events
    left join mentions on events.event_no = mentions.record_ref
),

-- After repair, or past the publicity period, an entry may no longer be used at all.
active as (
    select identified.*
    from identified
    inner join in_force on identified.decided_on <= in_force.as_of
    where
        identified.uscc is not null
        and (identified.removed_on is null or identified.removed_on > in_force.as_of)
        and (identified.publicity_end_on is null or identified.publicity_end_on >= in_force.as_of)
)

select * from active
