with landed as (
    select * from {{ source('patent', 'software_and_layouts') }}
),

renamed as (
    select
        cast(record_no as bigint) as record_no,
        registration_no,
        kind,
        title,
        owner_name,
        cast(registered_on as date) as registered_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
