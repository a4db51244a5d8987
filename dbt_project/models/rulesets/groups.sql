with all_groups as (
    select * from {{ ref('ruleset_groups') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

current_groups as (
    select all_groups.*
    from all_groups
    inner join in_force on all_groups.ruleset_id = in_force.ruleset_id
)

select * from current_groups
