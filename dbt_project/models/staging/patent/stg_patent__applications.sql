with landed as (
    select * from {{ source('patent', 'applications') }}
),

renamed as (
    select
        cast(record_no as bigint) as record_no,
        application_no,
        applicants,
        patent_type,
        ipc,
        cast(filed_on as date) as filed_on,
        cast(granted_on as date) as granted_on,
        legal_status,
        cast(lapsed_on as date) as lapsed_on,
        high_value_basis,
        transferred_to,
        cast(transfer_recorded_on as date) as transfer_recorded_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
