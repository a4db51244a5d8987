{{ config(severity='warn') }}
-- Guards: Q17: an entry on a list of dishonesty that suspends a rank names the law it rests on and the document.
-- Why: nothing may follow from an entry without a legal basis; the office must supply it before anything is done.
with events as (
    select * from {{ ref('credit_events') }}
)

select event_no from events
where event_type <> 'administrative_penalty' and (legal_basis is null or document_no is null)
