-- Guards: Q21: no line is above the interest really paid, and no year's lines are above its budget.
-- Why: a pay list that breaks this must not be published.
with lines as (
    select * from {{ ref('subsidy_lines') }}
),

over_budget as (
    select
        programme_id,
        policy_year,
        'budget' as broken,
        sum(granted_fen) as granted_fen,
        max(budget_fen) as limit_fen
    from lines
    group by programme_id, policy_year
    having sum(granted_fen) > max(budget_fen)
),

over_interest as (
    select
        programme_id,
        policy_year,
        'interest of ' || claim_no as broken,
        granted_fen,
        interest_fen as limit_fen
    from lines
    where granted_fen > coalesce(interest_fen, 0)
),

broken as (
    select * from over_budget
    union all
    select * from over_interest
)

select * from broken
