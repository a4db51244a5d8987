with landed as (
    select * from {{ source('science', 'contest_results') }}
),

renamed as (
    select
        result_no,
        contest,
        level,
        kind,
        place,
        contestant_name,
        cast(held_on as date) as held_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
