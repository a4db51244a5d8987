-- Enterprises that meet the conditions of a reward are ordered by its facts and given a place while there are any. Equals on
-- both sides of the last place are not given one: the bureau decides.
with decisions as (
    select * from {{ ref('decisions') }}
    where decision = 'eligible'
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

rewards as (
    select
        items.item_no,
        rewards.*
    from {{ ref('rewards') }} as rewards
    inner join {{ ref('item_versions') }} as items
        on rewards.reward_id = items.item_id and rewards.version = items.version and items.kind = 'reward'
),

-- The greater comes first.
orders as (
    select
        reward_id,
        version,
        {%- for place in range(1, 4) %}
            max(case when place = {{ place }} then fact end) as fact_{{ place }},
            max(case when place = {{ place }} then case direction when 'lowest' then -1 else 1 end end) as sign_{{ place }}
            {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('reward_orders') }}
    group by reward_id, version
),

facts as (
    select facts.*
    from {{ ref('facts') }} as facts
    where facts.fact in (select asked.fact from {{ ref('reward_orders') }} as asked)
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

keyed as (
    select
        decisions.subject_id,
        decisions.item_no,
        case when rewards.ranked_in = 'stage' then enterprises.stage else '' end as stage,
        {%- for place in range(1, 4) %}
            orders.sign_{{ place }} * facts_{{ place }}.number as key_{{ place }}{{ ',' if not loop.last }}
        {%- endfor %}
    from decisions
    inner join enterprises on decisions.subject_id = enterprises.enterprise_id
    inner join rewards on decisions.item_no = rewards.item_no
    left join orders on rewards.reward_id = orders.reward_id and rewards.version = orders.version
    {%- for place in range(1, 4) %}
        left join facts as facts_{{ place }}
            on decisions.subject_id = facts_{{ place }}.subject_id and orders.fact_{{ place }} = facts_{{ place }}.fact
    {%- endfor %}
),

-- A fact that is not known comes last. What is counted up to a row ends with its equals.
ordered as (
    select
        subject_id,
        item_no,
        stage,
        rank() over (
            partition by item_no, stage order by key_1 desc nulls last, key_2 desc nulls last, key_3 desc nulls last
        ) as place,
        count(*) over (
            partition by item_no, stage order by key_1 desc nulls last, key_2 desc nulls last, key_3 desc nulls last
        ) as last_of_equals
    from keyed
),

given as (
    select
        enterprises.uscc,
        rewards.reward_id,
        rewards.version,
        rewards.kind,
        rewards.department,
        rewards.name_zh,
        rewards.name_en,
        ordered.stage,
        ordered.place,
        -- A percentage of no enterprises gives 0 places, not null, which would be without a limit.
        coalesce(
            rewards.places,
            {{ divided_down('coalesce(peers.peers, 0) * cast(rewards.top_pct * 10000 as bigint)', 1000000) }}
        ) as places,
        ordered.last_of_equals
    from ordered
    inner join enterprises on ordered.subject_id = enterprises.enterprise_id
    inner join rewards on ordered.item_no = rewards.item_no
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
