with landed as (
    select * from {{ source('science', 'standards') }}
),

renamed as (
    select
        standard_no,
        drafter_name,
        level,
        role,
        cast(published_on as date) as published_on,
        cast(withdrawn_on as date) as withdrawn_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
