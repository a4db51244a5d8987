with headcounts as (
    {{ landed('talent', 'headcounts') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        headcounts.*,
        case when headcounts.month >= in_force.december_start_on then 0 else 1 end as years_back
    from headcounts
    cross join in_force
    where
        headcounts.month between in_force.december_start_on and in_force.year_end_on
        or headcounts.month between {{ months_before('in_force.december_start_on', '12') }}
        and {{ months_before('in_force.year_end_on', '12') }}
)

select * from known
