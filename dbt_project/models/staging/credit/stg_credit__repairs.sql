with landed as (
    select * from {{ source('credit', 'repairs') }}
),

newest as (
    {{ newest_per_key('landed', ['repair_no'], ['updated_at']) }}
),

renamed as (
    select
        repair_no,
        event_no,
        cast(accepted_on as date) as accepted_on,
        cast(decided_on as date) as decided_on,
        result,
        cast(updated_at as timestamp) as updated_at,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
