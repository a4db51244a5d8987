-- Who meets the conditions of a reward is ordered by its facts and given a place while there are any. Where equals stand on
-- both sides of the last place, none of them is given it: the bureau decides.
with decisions as (
    select * from {{ ref('decisions') }}
    where kind = 'reward' and decision = 'eligible'
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

rewards as (
    select * from {{ ref('rewards') }}
),

orders as (
    select
        *,
        case direction when 'lowest' then -1 else 1 end as sign
    from {{ ref('reward_orders') }}
),

facts as (
    select * from {{ ref('facts') }}
),

peers as (
    select
        'zone' as ranked_in,
        '' as stage,
        count(*) as peers
    from enterprises
    where rank_overall is not null
    union all
    select
        'stage' as ranked_in,
        stage,
        count(*) as peers
    from enterprises
    where rank_in_stage is not null
    group by stage
),

-- The greater comes first; a fact that is not known comes last.
keyed as (
    select
        enterprises.uscc,
        decisions.item_id as reward_id,
        decisions.version,
        case when rewards.ranked_in = 'stage' then enterprises.stage else '' end as stage,
        max(case when orders.place = 1 then orders.sign * facts.number end) as first_key,
        max(case when orders.place = 2 then orders.sign * facts.number end) as second_key,
        max(case when orders.place = 3 then orders.sign * facts.number end) as third_key
    from decisions
    inner join enterprises on decisions.subject = enterprises.subject
    inner join rewards on decisions.item_id = rewards.reward_id and decisions.version = rewards.version
    left join orders on decisions.item_id = orders.reward_id and decisions.version = orders.version
    left join facts on decisions.subject = facts.subject and orders.fact = facts.fact
    group by
        enterprises.uscc,
        decisions.item_id,
        decisions.version,
        case when rewards.ranked_in = 'stage' then enterprises.stage else '' end
),

ordered as (
    select
        *,
        rank() over (
            partition by reward_id, version, stage
            order by first_key desc nulls last, second_key desc nulls last, third_key desc nulls last
        ) as place,
        count(*) over (partition by reward_id, version, stage, first_key, second_key, third_key) as equals
    from keyed
),

given as (
    select
        ordered.uscc,
        ordered.reward_id,
        ordered.version,
        rewards.kind,
        rewards.department,
        rewards.name_zh,
        rewards.name_en,
        ordered.stage,
        ordered.place,
        coalesce(
            rewards.places, {{ divided_down('peers.peers * cast(rewards.top_pct * 10000 as bigint)', 1000000) }}
        ) as places,
        ordered.place + ordered.equals - 1 as last_of_equals
    from ordered
    inner join rewards on ordered.reward_id = rewards.reward_id and ordered.version = rewards.version
    left join peers on rewards.ranked_in = peers.ranked_in and ordered.stage = peers.stage
),

awarded as (
    select
        uscc,
        reward_id,
        version,
        kind,
        department,
        name_zh,
        name_en,
        nullif(stage, '') as stage,
        place,
        places,
        case
            when places is null or last_of_equals <= places then 'given'
            when place > places then 'beyond_the_last_place'
            else 'equals_at_the_last_place'
        end as state
    from given
)

select * from awarded
