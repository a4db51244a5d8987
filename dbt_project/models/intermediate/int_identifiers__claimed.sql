with enterprises as (
    {{ landed('science', 'enterprises') }}
),

identifiers as (
    {{ landed('science', 'enterprise_identifiers') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

unknown_codes as (
    select distinct identifier from {{ ref('int_codes__unknown') }}
),

shared_numbers as (
    select identifiers.identifier
    from identifiers
    left join redirected on identifiers.uscc = redirected.code
    group by identifiers.identifier
    having min(coalesce(redirected.uscc, identifiers.uscc)) <> max(coalesce(redirected.uscc, identifiers.uscc))
),

-- A code that two enterprises share identifies none, and may mean either.
claims as (
    select
        'code' as kind,
        unknown_codes.identifier,
        enterprises.uscc
    from unknown_codes
    inner join enterprises on unknown_codes.identifier = substr(enterprises.uscc, 9, 9)
    union all
    select
        'code' as kind,
        unknown_codes.identifier,
        enterprises.uscc
    from unknown_codes
    inner join enterprises
        on unknown_codes.identifier = substr(enterprises.uscc, 3, 6) || substr(enterprises.uscc, 9, 9)
    union all
    select
        'code' as kind,
        unknown_codes.identifier,
        enterprises.uscc
    from unknown_codes
    inner join enterprises on unknown_codes.identifier = enterprises.registration_no
    where length(enterprises.registration_no) = 15
    union all
    -- Open in spite of its decisions, which contradict each other: each enterprise that one of them names may be meant.
    select
        'code' as kind,
        unknown_codes.identifier,
        codes.uscc
    from unknown_codes
    inner join decisions on unknown_codes.identifier = decisions.identifier
    inner join codes on decisions.uscc = codes.code
    where decisions.is_of_code
    union all
    select
        'number' as kind,
        shared_numbers.identifier,
        identifiers.uscc
    from shared_numbers
    inner join identifiers on shared_numbers.identifier = identifiers.identifier
),

claimed as (
    select distinct
        claims.kind,
        claims.identifier,
        coalesce(redirected.uscc, claims.uscc) as uscc
    from claims
    left join redirected on claims.uscc = redirected.code
)

select * from claimed
