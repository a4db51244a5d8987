with mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    -- What a person said is nobody of the register needs no second look.
    where reason is not null and reason <> 'decided_nobody'
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
        mentioned_on,
        reason,
        record_count
    from mentions
    union all
    select
        source,
        dataset,
        identifier,
        cast(null as varchar) as record_ref,
        cast(null as date) as mentioned_on,
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
        min(mentioned_on) as first_mentioned_on,
        max(mentioned_on) as last_mentioned_on,
        reason,
        cast(sum(record_count) as bigint) as count
    from unresolved
    group by source, dataset, identifier, reason
)

select * from counted
