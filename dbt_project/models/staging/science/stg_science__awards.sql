with landed as (
    select * from {{ source('science', 'awards') }}
),

renamed as (
    select
        award_no,
        winner_name,
        level,
        cast(award_year as integer) as award_year,
        cast(announced_on as date) as announced_on
    from landed
)

select * from renamed
