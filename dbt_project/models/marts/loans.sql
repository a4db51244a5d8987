with reported_loans as (
    select * from {{ ref('int_loans__reported') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

-- What a branch borrowed its legal person owes. A sum over loans of which one has no figure is not known, rather than too
-- small.
summed as (
    select
        enterprises.uscc,
        reported_loans.bank,
        reported_loans.reported_on,
        count(*) as loan_count,
        cast(sum(reported_loans.drawn_amount_cny) as decimal(20, 2)) as drawn_amount_cny,
        case
            when count(*) = count(reported_loans.balance_cny) then cast(sum(reported_loans.balance_cny) as decimal(20, 2))
        end as balance_cny,
        case when count(*) = count(reported_loans.overdue_days) then max(reported_loans.overdue_days) end as overdue_days_max,
        sum(case when reported_loans.five_class in ('次级', '可疑', '损失') then 1 else 0 end) as non_performing_count
    from reported_loans
    left join redirected on reported_loans.uscc = redirected.code
    inner join enterprises on coalesce(redirected.uscc, reported_loans.uscc) = enterprises.uscc
    group by enterprises.uscc, reported_loans.bank, reported_loans.reported_on
),

typed as (
    select
        uscc,
        bank,
        reported_on,
        loan_count,
        drawn_amount_cny,
        balance_cny,
        overdue_days_max,
        cast(non_performing_count as bigint) as non_performing_count
    from summed
)

select * from typed
