with names as (
    select * from {{ ref('int_names__dated') }}
),

described as (
    select
        uscc,
        borne_by,
        enterprise_name,
        valid_from,
        valid_to
    from names
)

select * from described
