{{ config(materialized='table') }}

with enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

reasoned as (
    select
        enterprises.*,
        case
            when enterprises.status <> 'active' then enterprises.status
            when enterprises.founded_on > in_force.as_of then 'not_yet_founded'
            when enterprises.zone_member_from > in_force.as_of then 'not_yet_member'
            when enterprises.zone_member_to < in_force.as_of then 'no_longer_member'
        end as ineligible_reason
    from enterprises
    cross join in_force
),

decided as (
    select
        *,
        ineligible_reason is null as is_eligible
    from reasoned
)

select * from decided
