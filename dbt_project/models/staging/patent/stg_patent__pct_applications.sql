with landed as (
    select * from {{ source('patent', 'pct_applications') }}
),

renamed as (
    select
        cast(record_no as bigint) as record_no,
        international_no,
        applicants,
        ipc,
        cast(international_filed_on as date) as international_filed_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
