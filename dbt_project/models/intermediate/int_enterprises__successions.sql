with successions as (
    select * from {{ ref('stg_science__successions') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

effective as (
    select
        successions.successor_uscc as uscc,
        successions.predecessor_uscc,
        successions.kind,
        successions.effective_on,
        successions.share_pct
    from successions
    inner join in_force on successions.effective_on <= in_force.as_of
    where successions.successor_uscc <> successions.predecessor_uscc
)

select * from effective
