with eligibility as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

staged as (
    select * from {{ ref('int_enterprises__staged') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

described as (
    select
        eligibility.uscc,
        eligibility.enterprise_name,
        eligibility.founded_on,
        eligibility.status,
        eligibility.industry_code,
        eligibility.industry_name,
        eligibility.zone_member_from,
        eligibility.zone_member_to,
        eligibility.is_eligible,
        eligibility.ineligible_reason,
        staged.stage,
        staged.stage_basis,
        in_force.as_of
    from eligibility
    cross join in_force
    left join staged on eligibility.uscc = staged.uscc
)

select * from described
