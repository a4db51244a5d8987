{{ config(materialized='table') }}

with named as (
    select * from {{ ref('int_mentions__named') }}
),

names as (
    select * from {{ ref('int_names__dated') }}
),

headcounts as (
    select * from {{ ref('stg_talent__headcounts') }}
),

identifiers as (
    select * from {{ ref('stg_science__enterprise_identifiers') }}
),

matched_names as (
    select
        named.source,
        named.dataset,
        named.record_ref,
        named.identifier,
        names.uscc
    from named
    inner join names on named.name_key = names.name_key
    where
        named.mentioned_on is null
        or (
            named.mentioned_on >= names.valid_from
            and (names.valid_to is null or named.mentioned_on <= names.valid_to)
        )
),

units as (
    select
        unit_no,
        count(*) as record_count
    from headcounts
    group by unit_no
),

matched_units as (
    select
        units.unit_no,
        identifiers.uscc
    from units
    inner join identifiers on units.unit_no = identifiers.identifier
),

-- Each mention once without a candidate, so that it stays where none is found, and once for each candidate.
candidates as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        1 as record_count,
        cast(null as varchar) as uscc
    from named
    union all
    select
        source,
        dataset,
        record_ref,
        identifier,
        1 as record_count,
        uscc
    from matched_names
    union all
    select
        'talent' as source,
        'headcounts' as dataset,
        unit_no as record_ref,
        unit_no as identifier,
        record_count,
        cast(null as varchar) as uscc
    from units
    union all
    select
        'talent' as source,
        'headcounts' as dataset,
        unit_no as record_ref,
        unit_no as identifier,
        1 as record_count,
        uscc
    from matched_units
),

counted as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        max(record_count) as record_count,
        count(distinct uscc) as candidate_count,
        min(uscc) as first_uscc
    from candidates
    group by source, dataset, record_ref, identifier
),

resolved as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        cast(record_count as bigint) as record_count,
        candidate_count,
        -- Never guessed: two enterprises that fit are as good as none.
        case when candidate_count = 1 then first_uscc end as uscc,
        case
            when candidate_count = 0 then 'unknown'
            when candidate_count > 1 then 'ambiguous'
        end as reason
    from counted
)

select * from resolved
