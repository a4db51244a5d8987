{{ config(materialized='table') }}

-- One row per enterprise of the register, and whether it is scored on the business date or why not. From the landed register
-- and its dated states; next: `int_enterprises__measured`.
with enterprises as (
    {{ landed('science', 'enterprises') }}
),

states as (
    {{ landed('science', 'enterprise_states') }}
),

decided_codes as (
    select * from {{ ref('int_codes__resolved') }}
    where decided_as is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A state of a branch is the branch's own. Only a code that a person assigned to another enterprise is read as that one's.
begun as (
    select
        coalesce(decided_codes.decided_as, states.uscc) as uscc,
        states.aspect,
        states.value,
        states.valid_from,
        states.valid_to,
        states.valid_to is null or states.valid_to >= in_force.as_of as is_in_force
    from states
    cross join in_force
    left join decided_codes on states.uscc = decided_codes.code
    where states.valid_from <= in_force.as_of
),

-- On a day on which one state ends and another begins, the one that begins holds.
in_states as (
    select
        uscc,
        {{ latest_value('value', 'valid_from', "aspect = 'status' and is_in_force") }} as status,
        {{ latest_value('value', 'valid_from', "aspect = 'zone_member' and is_in_force") }} as membership,
        {{ latest_value('valid_from', 'valid_from', "aspect = 'zone_member' and value = 'yes'") }} as member_from,
        {{ latest_value('valid_to', 'valid_from', "aspect = 'zone_member' and value = 'yes'") }} as member_to
    from begun
    group by uscc
),

listed_members as (
    select distinct coalesce(decided_codes.decided_as, states.uscc) as uscc
    from states
    left join decided_codes on states.uscc = decided_codes.code
    where states.aspect = 'zone_member'
),

-- The dated register of states is used where it has the enterprise, the undated columns for the others.
dated as (
    select
        enterprises.uscc,
        enterprises.name as enterprise_name,
        enterprises.parent_uscc,
        enterprises.founded_on,
        coalesce(in_states.status, enterprises.status) as status,
        enterprises.industry_code,
        enterprises.industry_name,
        listed_members.uscc is not null as is_listed,
        in_states.membership,
        case
            when listed_members.uscc is not null then in_states.member_from
            else enterprises.zone_member_from
        end as zone_member_from,
        case
            when listed_members.uscc is not null then in_states.member_to
            else enterprises.zone_member_to
        end as zone_member_to
    from enterprises
    left join in_states on enterprises.uscc = in_states.uscc
    left join listed_members on enterprises.uscc = listed_members.uscc
),

reasoned as (
    select
        dated.*,
        case
            when dated.status <> 'active' then dated.status
            when dated.parent_uscc <> dated.uscc then 'branch'
            when dated.founded_on > in_force.as_of then 'not_yet_founded'
            when dated.is_listed and dated.zone_member_from is null then 'not_yet_member'
            when dated.is_listed and coalesce(dated.membership, 'no') <> 'yes' then 'no_longer_member'
            when dated.zone_member_from > in_force.as_of then 'not_yet_member'
            when not dated.is_listed and dated.zone_member_to < in_force.as_of then 'no_longer_member'
        end as ineligible_reason
    from dated
    cross join in_force
),

decided as (
    select
        uscc,
        enterprise_name,
        parent_uscc,
        founded_on,
        status,
        industry_code,
        industry_name,
        zone_member_from,
        zone_member_to,
        ineligible_reason,
        ineligible_reason is null as is_eligible
    from reasoned
)

select * from decided
