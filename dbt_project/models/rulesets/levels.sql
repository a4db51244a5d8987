with all_levels as (
    select * from {{ ref('ruleset_levels') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

current_levels as (
    select all_levels.*
    from all_levels
    inner join in_force on all_levels.ruleset_id = in_force.ruleset_id
)

select * from current_levels
