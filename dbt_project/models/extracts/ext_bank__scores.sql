with given_by as (
    select * from {{ ref('int_consents__given') }}
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

-- Every consent is here, the lapsed and the withdrawn too: what may be sent is decided on the day of sending.
consented as (
    select
        given_by.recipient,
        given_by.consent_id,
        given_by.valid_from as consent_valid_from,
        given_by.valid_to as consent_valid_to,
        given_by.withdrawn_on as consent_withdrawn_on,
        given_by.data_classes,
        given_by.purpose,
        given_by.uscc,
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
    from given_by
    cross join in_force
    left join enterprises on given_by.uscc = enterprises.uscc
    left join rankings on given_by.uscc = rankings.uscc
    left join staged on given_by.uscc = staged.uscc
)

select * from consented
