with events as (
    {{ landed('credit', 'events') }}
),

repairs as (
    {{ landed('credit', 'repairs') }}
),

-- A decision on repair identifies the enterprise by the number of the event alone, which stands in the column of the name.
refused_repairs as (
    select distinct name as event_no
    from {{ source('pipeline', 'refusals') }}
    where source = 'credit' and dataset = 'repairs'
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'credit' and dataset = 'events'
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

repaired as (
    select distinct repairs.event_no
    from repairs
    inner join in_force on repairs.decided_on <= in_force.as_of
    where repairs.result = 'granted'
),

identified as (
    select
        -- A code that the register does not know stays as it is: it is in the list of unknown codes.
        coalesce(codes.uscc, events.uscc, mentions.uscc) as uscc,
        events.event_no,
        events.event_type,
        events.severity,
        events.legal_basis,
        events.document_no,
        events.issuing_body,
        events.decided_on,
        events.publicity_end_on,
        events.removed_on,
        events.learned_on,
        events.raw_sha256,
        events.raw_position
    from events
    left join codes on events.uscc = codes.code
    left join mentions on events.event_no = mentions.record_ref
),

-- An entry that names one enterprise by two of its names is one.
named_once as (
    select distinct * from identified
),

-- What is repaired or removed under one of its numbers is so under each: the document is one.
lifted as (
    select distinct
        identified.uscc,
        identified.event_type,
        identified.document_no,
        identified.issuing_body
    from named_once as identified
    cross join in_force
    left join repaired on identified.event_no = repaired.event_no
    where
        identified.document_no is not null
        and (repaired.event_no is not null or identified.removed_on <= in_force.as_of)
),

-- One that was refused may have been granted: under whichever number it names the document.
doubted as (
    select distinct
        identified.uscc,
        identified.event_type,
        identified.document_no,
        identified.issuing_body
    from named_once as identified
    inner join refused_repairs on identified.event_no = refused_repairs.event_no
    where identified.document_no is not null
),

-- After repair, or past the publicity period, an entry may no longer be used at all, from that very day.
usable as (
    select
        identified.*,
        identified.legal_basis is not null
        and identified.document_no is not null
        and identified.issuing_body is not null as has_basis,
        refused_repairs.event_no is not null or doubted.uscc is not null as may_be_repaired,
        row_number() over (
            partition by
                identified.uscc, identified.event_type, identified.document_no, coalesce(identified.issuing_body, '')
            order by
                -- The copy that says most.
                case when identified.legal_basis is null then 1 else 0 end,
                case when identified.severity is null then 1 else 0 end,
                identified.event_no
        ) as copy_no
    from named_once as identified
    inner join in_force on identified.decided_on <= in_force.as_of
    left join repaired on identified.event_no = repaired.event_no
    left join lifted
        on
            identified.uscc = lifted.uscc
            and identified.event_type = lifted.event_type
            and identified.document_no = lifted.document_no
            and coalesce(identified.issuing_body, '') = coalesce(lifted.issuing_body, '')
    left join refused_repairs on identified.event_no = refused_repairs.event_no
    left join doubted
        on
            identified.uscc = doubted.uscc
            and identified.event_type = doubted.event_type
            and identified.document_no = doubted.document_no
            and coalesce(identified.issuing_body, '') = coalesce(doubted.issuing_body, '')
    where
        identified.uscc is not null
        and lifted.uscc is null
        and (identified.removed_on is null or identified.removed_on > in_force.as_of)
        and (identified.publicity_end_on is null or identified.publicity_end_on >= in_force.as_of)
        -- Since 2026-04-01 the publicity of a penalty ends by itself at the legal maximum, counted from its document, whatever
        -- end was sent, or none. A penalty without a severity has the longest.
        and (
            in_force.as_of < date '2026-04-01'
            or identified.event_type <> 'administrative_penalty'
            or in_force.as_of <= case identified.severity
                when 'minor' then cast({{ dbt.dateadd('month', 3, 'identified.decided_on') }} as date)
                when 'general' then cast({{ dbt.dateadd('month', 12, 'identified.decided_on') }} as date)
                else cast({{ dbt.dateadd('month', 36, 'identified.decided_on') }} as date)
            end
        )
        and repaired.event_no is null
),

-- One decision sent under two numbers is one: where the document is named, that identifies it.
active as (
    select
        usable.uscc,
        usable.event_no,
        usable.event_type,
        usable.severity,
        usable.legal_basis,
        usable.document_no,
        usable.issuing_body,
        usable.decided_on,
        usable.publicity_end_on,
        usable.removed_on,
        usable.has_basis,
        usable.may_be_repaired,
        usable.learned_on,
        usable.raw_sha256,
        usable.raw_position
    from usable
    inner join enterprises on usable.uscc = enterprises.uscc
    where usable.document_no is null or usable.copy_no = 1
)

select * from active
