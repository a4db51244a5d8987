with landed as (
    select * from {{ source('pipeline', 'identity_decisions') }}
),

-- A later word about the same identifier replaces the earlier one from its day; what was decided after the business date is
-- not laid out at all.
newest as (
    select
        source,
        dataset,
        identifier,
        {{ latest_value('uscc', 'decided_on', 'true') }} as uscc,
        max(cast(decided_on as date)) as decided_on
    from landed
    group by source, dataset, identifier
)

select * from newest
