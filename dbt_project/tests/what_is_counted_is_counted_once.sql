-- Guards: Q14: one patent counts once for a holder, one decision once against an enterprise. (One loan receipt counts once for
-- a bank, since it is in the key of what landed.)
-- Why: offices publish twice and agencies send again under a new number; a copy would add its points twice.
with evidence as (
    select * from {{ ref('evidence') }}
    where indicator_code = 'L11'
),

applications as (
    {{ landed('patent', 'applications') }}
),

events as (
    select * from {{ ref('credit_events') }}
),

numbered as (
    select
        'patent' as kind,
        evidence.uscc as whose,
        applications.application_no as number
    from evidence
    inner join applications on evidence.record_ref = cast(applications.record_no as varchar)
    union all
    select
        'credit event' as kind,
        uscc || '|' || event_type || '|' || coalesce(issuing_body, '') as whose,
        document_no as number
    from events
    where document_no is not null
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
