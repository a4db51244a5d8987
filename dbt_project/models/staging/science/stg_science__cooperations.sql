with landed as (
    select * from {{ source('science', 'cooperations') }}
),

renamed as (
    select
        cooperation_no,
        uscc,
        kind,
        partner,
        cast(started_on as date) as started_on,
        cast(ended_on as date) as ended_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
