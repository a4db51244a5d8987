{{ config(materialized='table') }}

with resolved as (
    select * from {{ ref('int_codes__resolved') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

codes as (
    select * from {{ ref('int_mentions__sent') }}
    where kind = 'code'
),

-- A code with contradicting decisions counts for no enterprise, and is listed for each dataset that sends it.
contradicted as (
    select decisions.identifier
    from decisions
    where decisions.is_of_code
    group by decisions.identifier
    having count(distinct coalesce(decisions.uscc, '')) > 1
),

unknown_codes as (
    select
        codes.source,
        codes.dataset,
        codes.identifier,
        codes.record_count,
        case when contradicted.identifier is null then 'unknown' else 'contradicting_decisions' end as reason
    from codes
    left join resolved on codes.identifier = resolved.code
    left join decisions
        on
            codes.source = decisions.source
            and codes.dataset = decisions.dataset
            and codes.identifier = decisions.identifier
            and decisions.uscc is null
    left join contradicted on codes.identifier = contradicted.identifier
    where resolved.code is null and (decisions.identifier is null or contradicted.identifier is not null)
)

select * from unknown_codes
