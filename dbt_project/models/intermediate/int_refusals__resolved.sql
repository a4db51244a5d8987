{{ config(materialized='table') }}

with refusals as (
    select * from {{ ref('stg_pipeline__refusals') }}
),

enterprises as (
    select * from {{ ref('stg_science__enterprises') }}
),

names as (
    select * from {{ ref('int_names__dated') }}
),

by_code as (
    select
        enterprises.uscc,
        refusals.source,
        refusals.dataset
    from refusals
    inner join enterprises on refusals.uscc = enterprises.uscc
),

stated_names as (
    select
        source,
        dataset,
        {{ split_rows("replace(enterprise_name, '；', ';')", ';') }} as stated_name
    from refusals
),

keyed_names as (
    select
        source,
        dataset,
        {{ match_key('stated_name') }} as name_key
    from stated_names
),

-- Whoever may be meant is touched: by its code or by its name, on any day, and each of those that bear one name. A figure
-- that is not known is said too often rather than a zero that is not true.
by_name as (
    select
        names.uscc,
        keyed_names.source,
        keyed_names.dataset
    from keyed_names
    inner join names on keyed_names.name_key = names.name_key
    where keyed_names.name_key <> ''
),

touched as (
    select * from by_code
    union distinct
    select * from by_name
)

select * from touched
