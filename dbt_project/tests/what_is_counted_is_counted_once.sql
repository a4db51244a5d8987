-- Guards: Q14: one patent counts once for a holder, one decision once against an enterprise, one loan receipt once for a bank.
-- Why: offices publish twice and agencies send again under a new number; points for a copy are points for nothing.
with patents as (
    select * from {{ ref('int_patents__held') }}
),

events as (
    select * from {{ ref('int_credit__events_active') }}
),

loans as (
    select * from {{ ref('int_loans__reported') }}
),

numbered as (
    select
        'patent' as kind,
        uscc as whose,
        application_no as number
    from patents
    union all
    select
        'credit event' as kind,
        uscc || '|' || event_type || '|' || coalesce(issuing_body, '') as whose,
        document_no as number
    from events
    where document_no is not null
    union all
    select
        'loan' as kind,
        bank as whose,
        loan_receipt_no as number
    from loans
),

counted_twice as (
    select
        kind,
        whose,
        number
    from numbered
    group by kind, whose, number
    having count(*) > 1
)

select * from counted_twice
