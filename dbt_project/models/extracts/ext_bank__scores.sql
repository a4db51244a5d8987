with consents as (
    select * from {{ ref('stg_science__consents') }}
),

rankings as (
    select * from {{ ref('rankings') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
),

staged as (
    select * from {{ ref('int_enterprises__staged') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Every consent is here, the lapsed and the withdrawn too: what may go is decided by the date on which it is sent.
consented as (
    select
        consents.recipient,
        consents.consent_id,
        consents.valid_from as consent_valid_from,
        consents.valid_to as consent_valid_to,
        consents.withdrawn_on as consent_withdrawn_on,
        consents.data_classes,
        consents.purpose,
        consents.uscc,
        enterprises.enterprise_name,
        in_force.as_of,
        in_force.ruleset_id,
        rankings.stage,
        rankings.score,
        rankings.points_total,
        rankings.points_available,
        rankings.points_maximum,
        rankings.rank_overall,
        rankings.peers_overall,
        rankings.rank_in_stage,
        rankings.peers_in_stage,
        -- Banks get a band in place of the filed figure; the lines are those of the loan subsidy, the lower bound included.
        case
            when staged.operating_revenue_cny < 20000000 then '<20M'
            when staged.operating_revenue_cny < 200000000 then '20M-200M'
            when staged.operating_revenue_cny >= 200000000 then '>=200M'
        end as revenue_band
    from consents
    cross join in_force
    left join enterprises on consents.uscc = enterprises.uscc
    left join rankings on consents.uscc = rankings.uscc
    left join staged on consents.uscc = staged.uscc
)

select * from consented
