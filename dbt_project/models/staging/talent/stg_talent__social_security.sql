with landed as (
    select * from {{ source('talent', 'social_security') }}
),

newest as (
    {{ newest_per_key('landed', ['unit_no', 'month'], []) }}
),

renamed as (
    select
        unit_no,
        cast(month as date) as month,
        cast(insured_count as bigint) as insured_count,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
