with points as (
    select * from {{ ref('points') }}
    where supply_status = 'supplied' and stage is not null
),

medians as (
    select
        stage,
        indicator_code,
        count(*) as peers,
        cast({{ median_of('value') }} as decimal(20, 6)) as median_value,
        cast({{ median_of('points') }} as decimal(18, 6)) as median_points
    from points
    group by stage, indicator_code
)

select * from medians
