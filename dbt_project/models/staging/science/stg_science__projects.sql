with landed as (
    select * from {{ source('science', 'projects') }}
),

renamed as (
    select
        project_no,
        uscc,
        level,
        cast(approved_on as date) as approved_on
    from landed
)

select * from renamed
