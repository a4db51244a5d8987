{{ config(materialized='table') }}

with refusals as (
    select * from {{ source('pipeline', 'refusals') }}
),

codes as (
    select * from {{ ref('int_codes__resolved') }}
),

names as (
    select * from {{ ref('int_names__dated') }}
),

identifiers as (
    {{ landed('science', 'enterprise_identifiers') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

unknown_codes as (
    select * from {{ ref('int_codes__unknown') }}
),

claimed as (
    select * from {{ ref('int_identifiers__claimed') }}
    where kind = 'code'
),

by_code as (
    select
        codes.uscc,
        refusals.source,
        refusals.dataset
    from refusals
    inner join codes on refusals.uscc = codes.code
),

stated_names as (
    select
        source,
        dataset,
        {{ split_rows("replace(name, '；', ';')", ';') }} as stated_name
    from refusals
),

strictly_keyed as (
    select
        source,
        dataset,
        {{ match_key('stated_name') }} as name_key
    from stated_names
),

loosely_keyed as (
    select
        source,
        dataset,
        {{ loose_match_key('name_key') }} as loose_key
    from strictly_keyed
),

-- Every enterprise that may be meant is touched: by its code or by its name, in any spelling and on any day, and each of
-- several with one name. When in doubt, report "unknown", not 0.
by_name as (
    select
        names.uscc,
        loosely_keyed.source,
        loosely_keyed.dataset
    from loosely_keyed
    inner join names on loosely_keyed.loose_key = names.loose_key
    where loosely_keyed.loose_key <> ''
),

-- A list of persons has only the agency's own number of an enterprise.
by_number as (
    select
        coalesce(redirected.uscc, identifiers.uscc) as uscc,
        refusals.source,
        refusals.dataset
    from refusals
    inner join identifiers on refusals.name = identifiers.identifier
    left join redirected on identifiers.uscc = redirected.code
),

-- A code that two enterprises share identifies none, and may mean either.
by_shared_code as (
    select
        claimed.uscc,
        unknown_codes.source,
        unknown_codes.dataset
    from unknown_codes
    inner join claimed on unknown_codes.identifier = claimed.identifier
),

touched as (
    select * from by_code
    union distinct
    select * from by_name
    union distinct
    select * from by_number
    union distinct
    select * from by_shared_code
)

select * from touched
