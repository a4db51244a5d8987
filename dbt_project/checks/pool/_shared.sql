-- Views that several checks use; see checks/rulesets. The column ruleset_id has the id of the wrong row.
create or replace temp view ordered_bands as
select
    agreement_id as ruleset_id, *,
    row_number() over by_principal as place, count(*) over (partition by agreement_id) as band_count,
    lead(principal_low_cny) over by_principal as next_low, lead(inclusive_low) over by_principal as next_inclusive
from pool_sharing
window by_principal as (partition by agreement_id order by principal_low_cny nulls first);

create or replace temp view claim_states as
select unnest(
    ['claimed', 'guarantor_paid', 'filed', 'approved', 'compensated', 'recovered', 'written_off']
) as state;
