with landed as (
    select * from {{ source('science', 'titles') }}
),

renamed as (
    select
        certificate_no,
        uscc,
        title,
        cast(issued_on as date) as issued_on,
        cast(valid_to as date) as valid_to,
        cast(revoked_on as date) as revoked_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
