with landed as (
    select * from {{ source('science', 'successions') }}
),

renamed as (
    select
        predecessor_uscc,
        successor_uscc,
        kind,
        cast(effective_on as date) as effective_on,
        cast(share_pct as decimal(7, 4)) as share_pct,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
