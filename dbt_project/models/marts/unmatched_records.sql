with mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where reason is not null
),

codes as (
    select * from {{ ref('int_codes__unknown') }}
),

unresolved as (
    select
        source,
        dataset,
        identifier,
        record_ref,
        reason,
        record_count
    from mentions
    union all
    select
        source,
        dataset,
        identifier,
        cast(null as varchar) as record_ref,
        'unknown' as reason,
        record_count
    from codes
),

-- One name may be nobody's on one day and two enterprises' on another.
counted as (
    select
        source,
        dataset,
        identifier,
        min(record_ref) as record_ref,
        reason,
        cast(sum(record_count) as bigint) as count
    from unresolved
    group by source, dataset, identifier, reason
)

select * from counted
