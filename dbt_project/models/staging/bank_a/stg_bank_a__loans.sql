with landed as (
    select * from {{ source('bank_a', 'loans') }}
),

newest as (
    {{ newest_per_key('landed', ['loan_receipt_no', 'reported_on'], []) }}
),

renamed as (
    select
        'bank_a' as bank,
        loan_receipt_no,
        cast(reported_on as date) as reported_on,
        uscc,
        cast(drawn_amount_cny as decimal(20, 2)) as drawn_amount_cny,
        cast(balance_cny as decimal(20, 2)) as balance_cny,
        cast(annual_rate_pct as decimal(8, 4)) as annual_rate_pct,
        cast(drawn_on as date) as drawn_on,
        cast(due_on as date) as due_on,
        five_class,
        cast(overdue_days as integer) as overdue_days
    from newest
)

select * from renamed
