with landed as (
    select * from {{ source('science', 'enterprises') }}
),

renamed as (
    select
        uscc,
        name as enterprise_name,
        parent_uscc,
        registration_no,
        cast(founded_on as date) as founded_on,
        status,
        industry_code,
        industry_name,
        cast(zone_member_from as date) as zone_member_from,
        cast(zone_member_to as date) as zone_member_to
    from landed
)

select * from renamed
