with verdicts as (
    select * from {{ ref('verdicts') }}
),

by_route as (
    select
        uscc,
        route,
        min(case when is_met then 1 else 0 end) as is_met
    from verdicts
    group by uscc, route
),

-- What has no route is asked of everybody; of routes, where there are any, one is enough.
judged as (
    select
        uscc,
        min(case when route is null then is_met else 1 end) = 1
        and (count(route) = 0 or max(case when route is not null then is_met else 0 end) = 1) as is_passed,
        {{ joined_text("case when is_met = 1 then route end", ', ', 'route') }} as routes_met
    from by_route
    group by uscc
),

passed as (
    select
        uscc,
        is_passed,
        case when is_passed then routes_met end as passed_by
    from judged
)

select * from passed
