with landed as (
    select * from {{ source('science', 'consents') }}
),

renamed as (
    select
        consent_id,
        uscc,
        recipient,
        purpose,
        data_classes,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to,
        cast(withdrawn_on as date) as withdrawn_on,
        evidence_hash
    from landed
)

select * from renamed
