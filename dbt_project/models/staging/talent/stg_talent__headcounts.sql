with landed as (
    select * from {{ source('talent', 'headcounts') }}
),

newest as (
    {{ newest_per_key('landed', ['unit_no', 'month'], []) }}
),

renamed as (
    select
        unit_no,
        unit_name,
        cast(month as date) as month,
        cast(staff_total as bigint) as staff_total,
        cast(sci_tech_staff as bigint) as sci_tech_staff,
        cast(master_or_above as bigint) as master_or_above,
        cast(doctors as bigint) as doctors,
        cast(new_graduates as bigint) as new_graduates,
        cast(technicians as bigint) as technicians,
        cast(sci_tech_share_disclosed_pct as decimal(12, 2)) as sci_tech_share_disclosed_pct,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    from newest
)

select * from renamed
