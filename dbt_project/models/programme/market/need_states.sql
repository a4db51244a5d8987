with needs as (
    select * from {{ ref('market_needs') }}
),

steps as (
    select * from {{ ref('market_steps') }}
    where problem is null
),

states as (
    select * from {{ ref('market_states') }}
),

closed as (
    select
        need_no,
        min(happened_on) as closed_on
    from steps
    where bank = ''
    group by need_no
),

-- Where each bank stood when the days of the need were over.
at_the_end as (
    select
        steps.need_no,
        steps.state,
        row_number() over (partition by steps.need_no, steps.bank order by steps.place desc) as newest_rank
    from steps
    inner join needs on steps.need_no = needs.need_no and steps.happened_on <= needs.last_day
    where steps.bank <> ''
),

furthest as (
    select
        at_the_end.need_no,
        max(states.place) as place
    from at_the_end
    inner join states on at_the_end.state = states.state
    where at_the_end.newest_rank = 1
    group by at_the_end.need_no
),

ends as (
    select
        needs.*,
        closed.closed_on,
        needs.last_day < needs.as_of
        and coalesce(closed.closed_on > needs.last_day, true)
        and coalesce(states.expires, true) as is_expired
    from needs
    left join closed on needs.need_no = closed.need_no
    left join furthest on needs.need_no = furthest.need_no
    left join states on furthest.place = states.place
),

-- Where each bank stands now; what came after the end of the need does not count.
newest as (
    select
        steps.need_no,
        steps.bank,
        steps.product_id,
        steps.state,
        steps.happened_on,
        steps.reason,
        row_number() over (partition by steps.need_no, steps.bank order by steps.place desc) as newest_rank
    from steps
    inner join ends
        on
            steps.need_no = ends.need_no
            and not coalesce(ends.is_expired and steps.happened_on > ends.last_day, false)
            and coalesce(steps.happened_on <= ends.closed_on, true)
    where steps.bank <> ''
),

ordered as (
    select
        newest.*,
        count(*) over (partition by newest.need_no) as banks,
        row_number() over (
            partition by newest.need_no order by states.place desc, newest.happened_on asc, newest.bank asc
        ) as furthest_rank
    from newest
    inner join states on newest.state = states.state
    where newest.newest_rank = 1
),

placed as (
    select
        ends.*,
        ordered.bank,
        ordered.product_id,
        ordered.banks,
        ordered.reason,
        ordered.happened_on,
        case
            when ends.is_expired then 'expired'
            when ends.closed_on is not null then 'closed'
            else coalesce(ordered.state, 'posted')
        end as state
    from ends
    left join ordered on ends.need_no = ordered.need_no and ordered.furthest_rank = 1
),

stated as (
    select
        placed.need_no,
        placed.uscc,
        placed.posted_on,
        placed.as_of,
        placed.amount_fen,
        placed.term_months,
        placed.highest_rate_pct,
        placed.collaterals,
        placed.used_for,
        placed.consented_banks,
        placed.is_contact_consented,
        placed.last_day,
        case when placed.state <> 'expired' then placed.closed_on end as closed_on,
        placed.state,
        states.name_zh as state_zh,
        states.name_en as state_en,
        case
            when placed.state = 'expired' then {{ day_after('placed.last_day') }}
            when placed.closed_on is not null then placed.closed_on
            else coalesce(placed.happened_on, placed.posted_on)
        end as since,
        placed.bank,
        placed.product_id,
        coalesce(placed.banks, 0) as banks,
        case when placed.state = 'rejected' then placed.reason end as reject_reason,
        -- A need without a parameter for its days is not offered: how long it lasts is not known.
        coalesce(states.is_open and placed.last_day >= placed.as_of, false) as is_open
    from placed
    inner join states on placed.state = states.state
)

select * from stated
