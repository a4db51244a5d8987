with landed as (
    select * from {{ source('science', 'awards') }}
),

renamed as (
    select
        award_no,
        winner_name,
        level,
        cast(award_year as integer) as award_year,
        cast(announced_on as date) as announced_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
