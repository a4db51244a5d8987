with history as (
    select * from {{ ref('stg_science__enterprise_names') }}
),

enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

borne as (
    select
        uscc,
        {{ match_key('enterprise_name') }} as name_key,
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
        {{ match_key('enterprises.enterprise_name') }} as name_key,
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
)

select * from dated
