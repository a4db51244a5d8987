with landed as (
    select * from {{ source('credit', 'events') }}
),

newest as (
    {{ newest_per_key('landed', ['event_no'], ['updated_at']) }}
),

renamed as (
    select
        event_no,
        uscc,
        enterprise_name,
        event_type,
        severity,
        legal_basis,
        document_no,
        issuing_body,
        cast(decided_on as date) as decided_on,
        cast(publicity_end_on as date) as publicity_end_on,
        cast(removed_on as date) as removed_on,
        cast(updated_at as timestamp) as updated_at,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
