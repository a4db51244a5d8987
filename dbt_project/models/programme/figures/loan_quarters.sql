with quarters as (
    select * from {{ ref('programme_quarters') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
    where kind = 'loan'
),

-- A loan of which an amount is missing has neither a sum nor a balance: it is left out whole, and counted.
of_principal as (
    select
        *,
        count(case when principal_fen is null then 1 end) over (partition by lender, contract_no) > 0 as is_left_out
    from movements
    where is_of_principal
),

moved as (
    select
        {{ quarter_start('happened_on') }} as starts_on,
        sum(case when is_drawdown then principal_fen else 0 end) as drawn_fen,
        sum(principal_fen) as principal_fen,
        sum(case when is_drawdown then {{ wide('principal_fen') }} * annual_rate_ppm end) as weighted_ppm,
        sum(case when is_drawdown and annual_rate_ppm is not null then principal_fen end) as rated_fen
    from of_principal
    where not is_left_out
    group by {{ quarter_start('happened_on') }}
),

left_out as (
    select
        {{ quarter_start('happened_on') }} as starts_on,
        count(*) as loans
    from of_principal
    where is_left_out and is_drawdown
    group by {{ quarter_start('happened_on') }}
),

first_drawdowns as (
    select
        uscc,
        {{ quarter_start('min(happened_on)') }} as starts_on
    from movements
    where is_drawdown
    group by uscc
),

enterprises as (
    select
        starts_on,
        count(*) as enterprises
    from first_drawdowns
    group by starts_on
),

drawn as (
    select
        quarters.quarter,
        cast(sum(moved.drawn_fen) as bigint) as loans_drawn_fen,
        cast(sum(moved.principal_fen) as bigint) as loans_outstanding_fen,
        {{ divided_half_up(
            'sum(case when moved.starts_on = quarters.starts_on then moved.weighted_ppm end)',
            'nullif(sum(case when moved.starts_on = quarters.starts_on then moved.rated_fen end), 0)'
        ) }} as loan_rate_ppm
    from quarters
    inner join moved on quarters.starts_on >= moved.starts_on
    group by quarters.quarter
),

not_drawn as (
    select
        quarters.quarter,
        cast(sum(left_out.loans) as bigint) as loans_left_out
    from quarters
    inner join left_out on quarters.starts_on >= left_out.starts_on
    group by quarters.quarter
),

served as (
    select
        quarters.quarter,
        cast(sum(enterprises.enterprises) as bigint) as enterprises_with_loans
    from quarters
    inner join enterprises on quarters.starts_on >= enterprises.starts_on
    group by quarters.quarter
),

measured as (
    select
        quarters.quarter,
        coalesce(served.enterprises_with_loans, 0) as enterprises_with_loans,
        coalesce(drawn.loans_drawn_fen, 0) as loans_drawn_fen,
        coalesce(drawn.loans_outstanding_fen, 0) as loans_outstanding_fen,
        drawn.loan_rate_ppm,
        coalesce(not_drawn.loans_left_out, 0) as loans_left_out
    from quarters
    left join drawn on quarters.quarter = drawn.quarter
    left join served on quarters.quarter = served.quarter
    left join not_drawn on quarters.quarter = not_drawn.quarter
)

select * from measured
