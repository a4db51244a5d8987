-- Guards: one live entity per code and day (Q3): on every day up to the business date an enterprise has one status and one
-- address, and is a member of the zone or not. The day of a change belongs to both states, and the later one holds.
-- Why: an enterprise that is active and cancelled at once, or in the zone and out of it, would be scored by chance.
with states as (
    {{ landed('science', 'enterprise_states') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

followed as (
    select
        states.uscc,
        states.aspect,
        states.value,
        states.valid_from,
        states.valid_to,
        lead(states.valid_from) over (
            partition by states.uscc, states.aspect order by states.valid_from, states.valid_to, states.value
        ) as next_from
    from states
    inner join in_force on states.valid_from <= in_force.as_of
)

select * from followed
where next_from < valid_to or (next_from is not null and valid_to is null) or valid_to < valid_from
