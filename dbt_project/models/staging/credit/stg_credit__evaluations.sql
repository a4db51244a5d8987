with landed as (
    select * from {{ source('credit', 'evaluations') }}
),

newest as (
    {{ newest_per_key('landed', ['evaluation_no'], ['updated_at']) }}
),

renamed as (
    select
        evaluation_no,
        uscc,
        enterprise_name,
        cast(batch_month as date) as batch_month,
        grade,
        cast(updated_at as timestamp) as updated_at,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
