with landed as (
    select * from {{ source('science', 'business_scopes') }}
),

renamed as (
    select
        uscc,
        ipc_subclass
    from landed
)

select * from renamed
