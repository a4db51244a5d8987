with landed as (
    select * from {{ source('tax', 'credit_grades') }}
),

renamed as (
    select
        uscc,
        cast(evaluation_year as integer) as evaluation_year,
        grade,
        cast(published_on as date) as published_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
