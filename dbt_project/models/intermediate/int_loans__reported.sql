{%- set banks = ['bank_a', 'bank_b'] -%}
with in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

all_loans as (
    {% for bank in banks %}
        select
            '{{ bank }}' as bank,
            loan_receipt_no,
            reported_on,
            uscc,
            drawn_amount_cny,
            balance_cny,
            five_class,
            overdue_days
        from ({{ landed(bank, 'loans') }}) as {{ bank }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

known as (
    select all_loans.*
    from all_loans
    inner join in_force on all_loans.reported_on <= in_force.as_of
),

-- A bank reports its whole book at each date: a loan that its latest reporting date leaves out is closed. Files of one date
-- add up, the newest line of each loan: one that a corrected file of the same date leaves out stays until the next date.
latest_reports as (
    select
        bank,
        max(reported_on) as reported_on
    from known
    group by bank
),

latest_book as (
    select known.*
    from known
    inner join latest_reports on known.bank = latest_reports.bank and known.reported_on = latest_reports.reported_on
)

select * from latest_book
