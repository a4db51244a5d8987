with claims as (
    {{ landed('finance', 'subsidy_claims') }}
),

leases as (
    {{ landed('finance', 'leases') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

leased as (
    select
        'lease' as kind,
        lease_no,
        asset_no
    from leases
),

known as (
    select
        claims.claim_no,
        claims.kind,
        claims.lender,
        claims.contract_no,
        coalesce(redirected.uscc, claims.uscc) as uscc,
        claims.period_from,
        claims.period_to,
        claims.claimed_on,
        -- The order in which claims were filed: of one day 9 comes before 10.
        row_number() over (order by claims.claimed_on, length(claims.claim_no), claims.claim_no) as filed_place,
        claims.used_for,
        coalesce(claims.asset_no, leased.asset_no) as asset_no,
        claims.other_programme,
        claims.consented_on,
        claims.published_on,
        claims.objected_on,
        claims.is_objection_upheld,
        claims.reviewed_on,
        in_force.as_of
    from claims
    inner join in_force on claims.claimed_on <= in_force.as_of
    left join redirected on claims.uscc = redirected.code
    left join leased on claims.kind = leased.kind and claims.contract_no = leased.lease_no
)

select * from known
