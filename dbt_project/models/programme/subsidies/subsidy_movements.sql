with loan_movements as (
    {{ landed('finance', 'loan_movements') }}
),

leases as (
    {{ landed('finance', 'leases') }}
),

lease_payments as (
    {{ landed('finance', 'lease_payments') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A day that is overdue to its end is overdue no more on the next.
of_loans as (
    select
        'loan' as kind,
        bank as lender,
        loan_receipt_no as contract_no,
        uscc,
        movement_no,
        moved_on as happened_on,
        case when kind = 'overdue_to' then {{ day_after('moved_on') }} else moved_on end as moved_on,
        kind = 'drawdown' as is_drawdown,
        kind in ('drawdown', 'repayment') as is_of_principal,
        case kind
            when 'drawdown' then {{ to_fen('amount_cny') }}
            when 'repayment' then -{{ to_fen('amount_cny') }}
        end as principal_fen,
        -- A drawdown without a rate has that of the loan; a change to an unknown rate makes the rate unknown.
        kind = 'rate_change' or (kind = 'drawdown' and annual_rate_pct is not null) as is_of_rate,
        case when kind in ('drawdown', 'rate_change') then {{ to_ppm('annual_rate_pct') }} end as annual_rate_ppm,
        kind = 'interest_paid' as is_of_interest,
        case when kind = 'interest_paid' then {{ to_fen('amount_cny') }} end as interest_fen,
        case kind when 'overdue_from' then true when 'overdue_to' then false end as begins_overdue
    from loan_movements
),

of_leases as (
    select
        'lease' as kind,
        lessor as lender,
        lease_no as contract_no,
        uscc,
        lease_no as movement_no,
        started_on as happened_on,
        started_on as moved_on,
        true as is_drawdown,
        true as is_of_principal,
        {{ to_fen('financed_amount_cny') }} as principal_fen,
        true as is_of_rate,
        {{ to_ppm('annual_rate_pct') }} as annual_rate_ppm,
        false as is_of_interest,
        cast(null as bigint) as interest_fen,
        cast(null as boolean) as begins_overdue
    from leases
),

of_lease_payments as (
    select
        'lease' as kind,
        leases.lessor as lender,
        lease_payments.lease_no as contract_no,
        leases.uscc,
        lease_payments.payment_no as movement_no,
        lease_payments.paid_on as happened_on,
        lease_payments.paid_on as moved_on,
        false as is_drawdown,
        true as is_of_principal,
        -{{ to_fen('lease_payments.principal_cny') }} as principal_fen,
        false as is_of_rate,
        cast(null as bigint) as annual_rate_ppm,
        true as is_of_interest,
        {{ to_fen('lease_payments.interest_cny') }} as interest_fen,
        cast(null as boolean) as begins_overdue
    from lease_payments
    inner join leases on lease_payments.lease_no = leases.lease_no
),

all_movements as (
    select * from of_loans
    union all
    select * from of_leases
    union all
    select * from of_lease_payments
),

known as (
    select
        all_movements.kind,
        all_movements.lender,
        all_movements.contract_no,
        coalesce(redirected.uscc, all_movements.uscc) as uscc,
        all_movements.movement_no,
        all_movements.happened_on,
        all_movements.moved_on,
        all_movements.is_drawdown,
        all_movements.is_of_principal,
        all_movements.principal_fen,
        all_movements.is_of_rate,
        all_movements.annual_rate_ppm,
        all_movements.is_of_interest,
        all_movements.interest_fen,
        all_movements.begins_overdue
    from all_movements
    inner join in_force on all_movements.happened_on <= in_force.as_of
    left join redirected on all_movements.uscc = redirected.code
)

select * from known
