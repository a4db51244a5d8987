{{ config(materialized='table') }}

-- A person may have said whose code a consent bears; nothing else passes a consent on, to a legal person or a successor.
with consents as (
    {{ landed('science', 'consents') }}
),

decided_codes as (
    select * from {{ ref('int_codes__resolved') }}
    where decided_as is not null
),

given as (
    select
        consents.consent_id,
        coalesce(decided_codes.decided_as, consents.uscc) as uscc,
        consents.recipient,
        consents.purpose,
        consents.data_classes,
        consents.valid_from,
        consents.valid_to,
        consents.withdrawn_on
    from consents
    left join decided_codes on consents.uscc = decided_codes.code
)

select * from given
