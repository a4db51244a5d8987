with all_weights as (
    select * from {{ ref('ruleset_weights') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

current_weights as (
    select all_weights.*
    from all_weights
    inner join in_force on all_weights.ruleset_id = in_force.ruleset_id
)

select * from current_weights
