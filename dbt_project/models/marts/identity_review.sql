with mentions as (
    select
        *,
        -- One record has the applicant and the enterprise that it was transferred to.
        case when dataset = 'applications_transferred' then 'applications' else dataset end as record_dataset,
        reason is null or reason = 'decided_nobody' as is_settled
    from {{ ref('int_mentions__resolved') }}
),

listed as (
    select * from {{ ref('unmatched_records') }}
),

settled as (
    select
        source,
        record_dataset,
        sum(record_count) as record_count
    from mentions
    where is_settled
    group by source, record_dataset
),

open_mentions as (
    select * from mentions
    where not is_settled
),

-- A university beside one of our enterprises is not in the register, and the record is resolved all the same.
resolved_otherwise as (
    select distinct
        open_mentions.source,
        open_mentions.record_dataset,
        open_mentions.record_ref
    from open_mentions
    inner join mentions
        on
            open_mentions.source = mentions.source
            and open_mentions.record_dataset = mentions.record_dataset
            and open_mentions.record_ref = mentions.record_ref
    where mentions.is_settled
),

unresolved as (
    select
        open_mentions.source,
        open_mentions.record_dataset,
        sum(case when resolved_otherwise.record_ref is null then open_mentions.record_count else 0 end) as record_count,
        count(*) filter (where open_mentions.reason = 'ambiguous') as ambiguous_count,
        count(*) filter (where listed.identifier is null) as unlisted_count
    from open_mentions
    left join resolved_otherwise
        on
            open_mentions.source = resolved_otherwise.source
            and open_mentions.record_dataset = resolved_otherwise.record_dataset
            and open_mentions.record_ref = resolved_otherwise.record_ref
    left join listed
        on
            open_mentions.source = listed.source
            and open_mentions.dataset = listed.dataset
            and open_mentions.identifier = listed.identifier
            and open_mentions.reason = listed.reason
    group by open_mentions.source, open_mentions.record_dataset
),

datasets as (
    select
        source,
        record_dataset
    from settled
    union distinct
    select
        source,
        record_dataset
    from unresolved
),

counted as (
    select
        datasets.source,
        datasets.record_dataset as dataset,
        cast(coalesce(settled.record_count, 0) as bigint) as settled_count,
        cast(coalesce(unresolved.record_count, 0) as bigint) as unresolved_count,
        cast(coalesce(unresolved.ambiguous_count, 0) as bigint) as ambiguous_count,
        cast(coalesce(unresolved.unlisted_count, 0) as bigint) as unlisted_count
    from datasets
    left join settled
        on datasets.source = settled.source and datasets.record_dataset = settled.record_dataset
    left join unresolved
        on datasets.source = unresolved.source and datasets.record_dataset = unresolved.record_dataset
),

shared as (
    select
        *,
        {{ ratio('settled_count', 'nullif(settled_count + unresolved_count, 0)', scale=4, times=100) }} as settled_pct
    from counted
)

select * from shared
