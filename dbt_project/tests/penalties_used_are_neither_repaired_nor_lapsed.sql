-- Guards: Q16: no credit event is used, in an indicator or in a mart, from the day on which it is repaired, removed or past its
-- publicity period; nor is a copy of it under another number, where the document is named: same enterprise, kind and body.
-- Why: the law forbids it, and the enterprise was promised so when it put the matter right.
with evidence as (
    select * from {{ ref('evidence') }}
    where source = 'credit' and dataset = 'events'
),

published as (
    select * from {{ ref('credit_events') }}
),

events as (
    {{ landed('credit', 'events') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'events'
),

repairs as (
    {{ landed('credit', 'repairs') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

used as (
    select
        uscc,
        record_ref as event_no
    from evidence
    union distinct
    select
        uscc,
        event_no
    from published
),

lifted as (
    select
        coalesce(codes.uscc, mentions.uscc) as uscc,
        events.event_no,
        events.event_type,
        events.document_no,
        coalesce(events.issuing_body, '') as issuing_body
    from events
    cross join in_force
    left join codes on events.uscc = codes.code
    left join mentions on events.event_no = mentions.record_ref
    where
        events.removed_on <= in_force.as_of
        or events.event_no in (
            select repairs.event_no
            from repairs
            inner join in_force as on_the_day on repairs.decided_on <= on_the_day.as_of
            where repairs.result = 'granted'
        )
),

wrongly_used as (
    select used.event_no
    from used
    inner join events on used.event_no = events.event_no
    cross join in_force
    where
        events.publicity_end_on < in_force.as_of
        -- The legal maxima: three months, one year, three years.
        or (
            in_force.as_of >= date '2026-04-01'
            and events.event_type = 'administrative_penalty'
            and (
                in_force.as_of > cast({{ dbt.dateadd('month', 36, 'events.decided_on') }} as date)
                or (
                    events.severity = 'general'
                    and in_force.as_of > cast({{ dbt.dateadd('month', 12, 'events.decided_on') }} as date)
                )
                or (
                    events.severity = 'minor'
                    and in_force.as_of > cast({{ dbt.dateadd('month', 3, 'events.decided_on') }} as date)
                )
            )
        )
        or exists (
            select 1
            from lifted
            where
                lifted.event_no = used.event_no
                or (
                    lifted.uscc = used.uscc
                    and lifted.event_type = events.event_type
                    and lifted.document_no = events.document_no
                    and lifted.issuing_body = coalesce(events.issuing_body, '')
                )
        )
)

select * from wrongly_used
