{{ config(materialized='table') }}

with history as (
    {{ landed('science', 'enterprise_names') }}
),

enterprises as (
    {{ landed('science', 'enterprises') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

borne as (
    select
        uscc,
        name as enterprise_name,
        {{ match_key('name') }} as name_key,
        valid_from,
        valid_to
    from history
),

last_borne as (
    select
        uscc,
        max(valid_to) as valid_to
    from borne
    group by uscc
),

register_names as (
    select
        enterprises.uscc,
        enterprises.name as enterprise_name,
        {{ match_key('enterprises.name') }} as name_key,
        -- Where the history does not list the present name, it begins when the last listed one ended.
        coalesce(last_borne.valid_to, enterprises.founded_on) as valid_from,
        cast(null as date) as valid_to
    from enterprises
    left join last_borne on enterprises.uscc = last_borne.uscc
),

unlisted as (
    select register_names.*
    from register_names
    left join borne on register_names.uscc = borne.uscc and register_names.name_key = borne.name_key
    where borne.uscc is null
),

dated as (
    select * from borne
    union all
    select * from unlisted
),

-- The name of a branch, or of an individual business that became a company, means the legal person that answers for it.
answered_for as (
    select
        coalesce(redirected.uscc, dated.uscc) as uscc,
        dated.uscc as borne_by,
        dated.enterprise_name,
        dated.name_key,
        {{ loose_match_key('dated.name_key') }} as loose_key,
        dated.valid_from,
        dated.valid_to
    from dated
    left join redirected on dated.uscc = redirected.code
)

select * from answered_for
