with landed as (
    select * from {{ source('science', 'projects') }}
),

renamed as (
    select
        project_no,
        uscc,
        level,
        cast(approved_on as date) as approved_on,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
