with landed as (
    select * from {{ source('science', 'business_scopes') }}
),

renamed as (
    select
        uscc,
        ipc_subclass,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from landed
)

select * from renamed
