{{ config(materialized='view') }}

-- The figures that a credit report shows, each in its band; the figure itself goes to a bank only under a consent to raw
-- values, which the extract checks.
with facts as (
    select * from {{ ref('facts') }}
    where number is not null or text is not null
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

bands as (
    select * from {{ ref('credit_bands') }}
),

named as (
    select
        fact,
        unit
    from {{ ref('programme_facts') }}
    union all
    select
        indicator_code as fact,
        unit
    from {{ ref('indicators') }}
),

banded as (
    select
        enterprises.uscc,
        bands.fact,
        named.unit,
        bands.label as band,
        facts.number
    from enterprises
    inner join facts on enterprises.enterprise_id = facts.subject_id
    inner join bands
        on
            facts.fact = bands.fact
            and (bands.lo is null or facts.number >= bands.lo)
            and (bands.hi is null or facts.number < bands.hi)
    inner join named on bands.fact = named.fact
)

select * from banded
