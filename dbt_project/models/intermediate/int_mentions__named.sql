with sent as (
    select * from {{ ref('int_mentions__sent') }}
    where kind = 'name'
),

keyed as (
    select
        source,
        dataset,
        record_ref,
        identifier,
        {{ match_key('identifier') }} as name_key,
        mentioned_on
    from sent
)

select * from keyed
