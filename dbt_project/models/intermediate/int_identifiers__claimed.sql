with enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

identifiers as (
    select * from {{ ref('stg_science__enterprise_identifiers') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

unknown_codes as (
    select distinct identifier from {{ ref('int_codes__unknown') }}
),

shared_numbers as (
    select distinct identifier from {{ ref('int_mentions__numbered') }}
    where reason = 'ambiguous'
),

-- A code that two enterprises share is nobody's, and so may be either's.
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
