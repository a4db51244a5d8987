with in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

all_loans as (
    select * from {{ ref('int_loans__reported') }}
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

reported_loans as (
    select known.*
    from known
    inner join latest_reports on known.bank = latest_reports.bank and known.reported_on = latest_reports.reported_on
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

-- The loans of a branch count for its legal person. A sum over loans of which one has no figure is not known, rather than too
-- small.
summed as (
    select
        enterprises.uscc,
        reported_loans.bank,
        reported_loans.reported_on,
        case
            when count(*) = count(reported_loans.balance_cny) then cast(sum(reported_loans.balance_cny) as decimal(20, 2))
        end as balance_cny,
        case when count(*) = count(reported_loans.overdue_days) then max(reported_loans.overdue_days) end as overdue_days_max,
        case
            when count(*) = count(reported_loans.five_class)
                then sum(case when reported_loans.five_class in ('次级', '可疑', '损失') then 1 else 0 end)
        end as non_performing_count
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
        balance_cny,
        overdue_days_max,
        cast(non_performing_count as bigint) as non_performing_count
    from summed
)

select * from typed
