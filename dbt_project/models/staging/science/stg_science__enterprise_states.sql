with landed as (
    select * from {{ source('science', 'enterprise_states') }}
),

renamed as (
    select
        uscc,
        aspect,
        value,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
