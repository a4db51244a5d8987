with headcounts as (
    select * from {{ ref('stg_talent__headcounts') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

this_december as (
    select
        headcounts.*,
        0 as years_back
    from headcounts
    inner join in_force
        on headcounts.month >= in_force.december_start_on and headcounts.month <= in_force.year_end_on
),

prior_december as (
    select
        headcounts.*,
        1 as years_back
    from headcounts
    inner join in_force
        on
            headcounts.month >= {{ months_before('in_force.december_start_on', '12') }}
            and headcounts.month <= {{ months_before('in_force.year_end_on', '12') }}
),

known as (
    select * from this_december
    union all
    select * from prior_december
)

select * from known
