-- Views that several checks use; see checks/rulesets. The column ruleset_id has the id of the wrong row.
create or replace temp view ordered_tiers as
select
    programme_id as ruleset_id, *,
    row_number() over by_revenue as place, count(*) over (partition by programme_id) as tier_count,
    lead(revenue_low_cny) over by_revenue as next_low, lead(inclusive_low) over by_revenue as next_inclusive
from subsidy_tiers
window by_revenue as (partition by programme_id order by revenue_low_cny nulls first);

create or replace temp view needed_conditions as
select unnest(
    ['revenue_in_tier', 'title_held', 'balance_known', 'interest_reported', 'budget_known', 'consented', 'period_over',
     'own_contract']
) as condition;
