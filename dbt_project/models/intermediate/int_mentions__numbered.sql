with identifiers as (
    select * from {{ ref('stg_science__enterprise_identifiers') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

units as (
    select * from {{ ref('int_mentions__sent') }}
    where kind = 'number'
),

-- Whichever scheme a number belongs to: one that the register gives to two enterprises is nobody's.
numbers as (
    select
        identifiers.identifier,
        min(coalesce(redirected.uscc, identifiers.uscc)) as first_uscc,
        max(coalesce(redirected.uscc, identifiers.uscc)) as last_uscc
    from identifiers
    left join redirected on identifiers.uscc = redirected.code
    group by identifiers.identifier
),

-- Some agencies use the code itself for a number.
matched as (
    select
        units.source,
        units.dataset,
        units.identifier as record_ref,
        units.identifier,
        units.record_count,
        case
            when numbers.first_uscc is null then codes.uscc
            when numbers.first_uscc = numbers.last_uscc then numbers.first_uscc
        end as uscc,
        case
            when numbers.first_uscc <> numbers.last_uscc then 'ambiguous'
            when numbers.first_uscc is null and codes.uscc is null then 'unknown'
        end as reason,
        case
            when numbers.first_uscc = numbers.last_uscc then 'number'
            when numbers.first_uscc is null and codes.is_decided then 'decision'
            when numbers.first_uscc is null and codes.uscc is not null then 'code'
        end as matched_by
    from units
    left join numbers on units.identifier = numbers.identifier
    left join codes on units.identifier = codes.code
)

select * from matched
