with leases as (
    {{ landed('land', 'leases') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'land' and dataset = 'leases' and uscc is not null
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- By the code where the record has one, else by the tenants' names; of joint tenants each has the whole of it.
tenants as (
    select
        leases.lease_no,
        coalesce(redirected.uscc, leases.uscc) as uscc
    from leases
    left join redirected on leases.uscc = redirected.code
    where leases.uscc is not null
    union
    select
        record_ref as lease_no,
        uscc
    from mentions
),

counted as (
    select
        tenants.uscc,
        'C20' as indicator_code,
        {{ counted_record(
            'leases', 'land', 'leases', 'leases.lease_no', 'leases.signed_on', quantity='leases.area_m2'
        ) }}
    from leases
    inner join in_force on leases.signed_on <= in_force.as_of
    inner join tenants on leases.lease_no = tenants.lease_no
)

select * from counted
