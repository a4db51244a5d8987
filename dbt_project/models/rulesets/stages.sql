-- One row per stage of the rule set in force, with its limits by revenue and age. From `ruleset_stages.csv`; next: `rules` and
-- `weights` have a row for each, and `int_enterprises__staged` finds that of each enterprise.
with all_stages as (
    select * from {{ ref('ruleset_stages') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

current_stages as (
    select
        all_stages.*,
        -- An enterprise founded after this day is in the stage whatever its revenue.
        {{ months_before('in_force.as_of', 'all_stages.max_age_months') }} as young_if_founded_after_on
    from all_stages
    inner join in_force on all_stages.ruleset_id = in_force.ruleset_id
)

select * from current_stages
