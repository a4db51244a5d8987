-- Only an entry on a list that names its legal basis, its document and its issuing body restricts an enterprise; a low
-- score never does.
with events as (
    select * from {{ ref('credit_events') }}
),

measures as (
    select * from {{ ref('restriction_measures') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

matched as (
    select
        events.uscc,
        measures.measure_id,
        measures.version,
        measures.name_zh,
        measures.name_en,
        events.event_no,
        events.event_type,
        events.legal_basis as entry_basis,
        measures.legal_basis as measure_basis,
        events.document_no,
        events.issuing_body,
        events.decided_on as starts_on,
        events.publicity_end_on as ends_on,
        case
            when events.legal_basis is null then 'no_legal_basis'
            when events.issuing_body is null then 'no_issuing_body'
            when events.document_no is null then 'no_document'
            when events.may_be_repaired then 'repair_not_known'
        end as withheld_reason
    from events
    cross join in_force
    inner join measures
        on
            events.event_type = measures.event_type
            and in_force.as_of >= measures.valid_from
            and (measures.valid_to is null or in_force.as_of <= measures.valid_to)
),

decided as (
    select
        *,
        withheld_reason is null as is_restricting
    from matched
)

select * from decided
