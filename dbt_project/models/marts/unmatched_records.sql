with mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    -- An identifier that a person decided is not in the register is not listed again.
    where reason is not null and reason <> 'decided_nobody'
),

codes as (
    select * from {{ ref('int_codes__unknown') }}
),

claims as (
    select
        kind,
        identifier,
        {{ joined_text('uscc', ';') }} as claimed_by
    from {{ ref('int_identifiers__claimed') }}
    group by kind, identifier
),

unresolved as (
    select
        source,
        dataset,
        identifier,
        record_ref,
        mentioned_on,
        reason,
        record_count,
        'number' as kind
    from mentions
    union all
    select
        source,
        dataset,
        identifier,
        cast(null as varchar) as record_ref,
        cast(null as date) as mentioned_on,
        reason,
        record_count,
        'code' as kind
    from codes
),

-- One name may be unknown on one day and that of two enterprises on another.
counted as (
    select
        unresolved.source,
        unresolved.dataset,
        unresolved.identifier,
        min(unresolved.record_ref) as record_ref,
        min(unresolved.mentioned_on) as first_mentioned_on,
        max(unresolved.mentioned_on) as last_mentioned_on,
        -- A code that several enterprises share is not unknown.
        case
            when unresolved.kind = 'code' and unresolved.reason = 'unknown' and claims.identifier is not null then 'ambiguous'
            else unresolved.reason
        end as reason,
        claims.claimed_by,
        cast(sum(unresolved.record_count) as bigint) as count
    from unresolved
    left join claims on unresolved.kind = claims.kind and unresolved.identifier = claims.identifier
    group by
        unresolved.source, unresolved.dataset, unresolved.identifier, unresolved.reason, unresolved.kind,
        claims.identifier, claims.claimed_by
)

select * from counted
