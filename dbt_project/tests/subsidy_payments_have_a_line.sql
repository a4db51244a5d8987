{{ config(severity='warn') }}
-- Guards: what was paid was paid on a claim, programme and year that there is.
-- Why: a payment on a claim that is gone is in no statement and not claimed back by itself: a person has to look at it.
with payments as (
    {{ landed('finance', 'subsidy_payments') }}
),

lines as (
    select * from {{ ref('subsidy_lines') }}
),

without_line as (
    select
        payments.payment_no,
        payments.claim_no,
        payments.programme_id,
        payments.policy_year,
        payments.amount_cny
    from payments
    left join lines
        on
            payments.claim_no = lines.claim_no
            and payments.programme_id = lines.programme_id
            and payments.policy_year = lines.policy_year
    where lines.claim_no is null
)

select * from without_line
