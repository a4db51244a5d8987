with landed as (
    select * from {{ source('pipeline', 'supply') }}
),

renamed as (
    select
        source,
        dataset,
        cast(is_supplied as boolean) as is_supplied,
        coverage,
        cast(is_critical as boolean) as is_critical,
        cast(learned_on as date) as learned_on,
        cast(is_stale as boolean) as is_stale,
        cast(rows_landed as bigint) as rows_landed,
        cast(rows_refused as bigint) as rows_refused,
        reason
    from landed
)

select * from renamed
