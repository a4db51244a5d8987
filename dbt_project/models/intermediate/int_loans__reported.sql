with reported as (
    {% for bank in lending_banks() %}
        select
            '{{ bank }}' as bank,
            loan_receipt_no,
            reported_on,
            uscc,
            balance_cny,
            five_class,
            overdue_days
        from ({{ landed(bank, 'loans') }}) as {{ bank }}
        union all
    {% endfor %}
    select
        cast(null as varchar) as bank,
        cast(null as varchar) as loan_receipt_no,
        cast(null as date) as reported_on,
        cast(null as varchar) as uscc,
        cast(null as decimal(20, 2)) as balance_cny,
        cast(null as varchar) as five_class,
        cast(null as integer) as overdue_days
    where false
)

select * from reported
