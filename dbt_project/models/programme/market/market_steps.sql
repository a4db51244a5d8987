with recursive events as (
    {{ landed('finance', 'need_events') }}
),

needs as (
    select * from {{ ref('market_needs') }}
),

transitions as (
    select * from {{ ref('market_transitions') }}
),

products as (
    select distinct
        product_id,
        bank
    from {{ ref('products') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

numbered as (
    select
        events.event_no,
        events.need_no,
        coalesce(events.bank, '') as bank,
        events.product_id,
        events.event,
        events.reason,
        events.happened_on,
        -- Of one day 9 comes before 10.
        cast(
            row_number() over (
                partition by events.need_no, coalesce(events.bank, '')
                order by events.happened_on, length(events.event_no), events.event_no
            ) as bigint
        ) as place,
        case
            when needs.need_no is null then 'no_need'
            when events.happened_on < needs.posted_on then 'before_the_post'
            when events.product_id is not null and products.product_id is null then 'product_of_another_bank'
        end as problem
    from events
    inner join in_force on events.happened_on <= in_force.as_of
    left join needs on events.need_no = needs.need_no
    left join products on events.product_id = products.product_id and events.bank = products.bank
),

-- From one event to the next of the same need and bank: what is not allowed changes nothing, and the next is judged as if it
-- were not there.
walked as (
    select
        need_no,
        bank,
        cast(0 as bigint) as place,
        cast(null as varchar) as event_no,
        cast(null as varchar) as from_state,
        cast('posted' as varchar) as state,
        cast(null as varchar) as problem
    from numbered
    where place = 1
    union all
    select
        judged.need_no,
        judged.bank,
        judged.place,
        judged.event_no,
        judged.from_state,
        case when judged.problem is null then judged.to_state else judged.from_state end as state,
        judged.problem
    from (
        select
            numbered.need_no,
            numbered.bank,
            numbered.place,
            numbered.event_no,
            walked.state as from_state,
            numbered.event as to_state,
            case
                when numbered.problem is not null then numbered.problem
                when transitions.to_state is null then 'not_allowed'
                when transitions.needs_reason and coalesce(trim(numbered.reason), '') = '' then 'no_reason'
            end as problem
        from walked
        inner join numbered
            on walked.need_no = numbered.need_no and walked.bank = numbered.bank and walked.place + 1 = numbered.place
        left join transitions
            on
                walked.state = transitions.from_state
                and numbered.event = transitions.to_state
                and case when numbered.bank = '' then 'need' else 'bank' end = transitions.scope
    ) as judged
),

steps as (
    select
        numbered.event_no,
        numbered.need_no,
        numbered.bank,
        numbered.product_id,
        numbered.place,
        numbered.happened_on,
        numbered.reason,
        numbered.event,
        walked.from_state,
        walked.state,
        walked.problem
    from walked
    inner join numbered on walked.event_no = numbered.event_no
)

select * from steps
