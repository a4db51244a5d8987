with landed as (
    select * from {{ source('talent', 'talents') }}
),

newest as (
    {{ newest_per_key('landed', ['talent_no', 'month'], []) }}
),

renamed as (
    select
        talent_no,
        cast(month as date) as month,
        level,
        programme,
        employer_name,
        cast(recognised_on as date) as recognised_on,
        cast(valid_to as date) as valid_to,
        cast(left_on as date) as left_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
