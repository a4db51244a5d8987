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
        legal_status
    from landed
)

select * from renamed
