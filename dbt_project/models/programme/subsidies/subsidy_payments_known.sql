with all_payments as (
    {{ landed('finance', 'subsidy_payments') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        all_payments.claim_no,
        all_payments.programme_id,
        all_payments.policy_year,
        cast(sum({{ to_fen('all_payments.amount_cny') }}) as bigint) as paid_fen,
        min(case when all_payments.amount_cny > 0 then all_payments.paid_on end) as first_paid_on
    from all_payments
    inner join in_force on all_payments.paid_on <= in_force.as_of
    group by all_payments.claim_no, all_payments.programme_id, all_payments.policy_year
)

select * from known
