with decisions as (
    select * from {{ ref('decisions') }}
    where kind = 'policy'
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

policies as (
    select * from {{ ref('policies') }}
),

relations as (
    select * from {{ ref('policy_relations') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

supply as (
    select * from {{ ref('supply') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

statements as (
    {{ landed('finance', 'policy_claims') }}
),

-- What an enterprise said last to a policy within its claim period.
said as (
    select
        coalesce(redirected.uscc, statements.uscc) as uscc,
        policies.policy_id,
        policies.version,
        statements.state,
        statements.claimed_on,
        row_number() over (
            partition by coalesce(redirected.uscc, statements.uscc), policies.policy_id, policies.version
            order by statements.claimed_on desc, statements.claim_no desc
        ) as newest_rank
    from statements
    inner join in_force on statements.claimed_on <= in_force.as_of
    inner join policies
        on
            statements.policy_id = policies.policy_id
            and statements.version = policies.version
            and statements.claimed_on between policies.claim_from and policies.claim_to
    left join redirected on statements.uscc = redirected.code
),

-- On each policy, whether it is in force on the business date or not: one that is not is open to nobody.
others as (
    select
        enterprises.subject,
        named.policy_id as item_id,
        max(named.name_zh) as name_zh,
        max(named.name_en) as name_en,
        coalesce(max(decisions.decision), 'no') as decision
    from enterprises
    cross join policies as named
    left join decisions
        on
            enterprises.subject = decisions.subject
            and named.policy_id = decisions.item_id
            and named.version = decisions.version
    group by enterprises.subject, named.policy_id
),

related as (
    select
        decisions.subject,
        decisions.item_id,
        decisions.version,
        min(case when relations.relation = 'requires' and others.decision <> 'eligible' then others.name_zh end) as lacks_zh,
        min(case when relations.relation = 'requires' and others.decision <> 'eligible' then others.name_en end) as lacks_en,
        max(case when relations.relation = 'requires' and others.decision = 'no' then 1 else 0 end) as is_barred,
        max(case when relations.relation = 'requires' and others.decision = 'near_miss' then 1 else 0 end) as is_nearly_met,
        {{ joined_text(
            "case when relations.relation = 'excludes' and others.decision = 'eligible' then others.item_id end", ', '
        ) }} as excludes
    from decisions
    inner join relations on decisions.item_id = relations.policy_id and decisions.version = relations.version
    inner join others on decisions.subject = others.subject and relations.other_policy_id = others.item_id
    group by decisions.subject, decisions.item_id, decisions.version
),

decided as (
    select
        enterprises.uscc,
        policies.policy_id,
        policies.version,
        policies.name_zh,
        policies.name_en,
        policies.department,
        policies.procedure,
        policies.channel,
        case
            when related.is_barred = 1 then 'no'
            when related.is_nearly_met = 1 and decisions.decision = 'eligible' then 'near_miss'
            else decisions.decision
        end as decision,
        coalesce(decisions.failing_zh, '须同时符合：' || related.lacks_zh) as failing_zh,
        coalesce(decisions.failing_en, 'needs the conditions of: ' || related.lacks_en) as failing_en,
        related.excludes,
        policies.claim_from,
        policies.claim_to,
        case
            when policies.claim_from > in_force.as_of then 'not_yet_open'
            when policies.claim_to < in_force.as_of then 'closed'
            else 'open'
        end as claim_state,
        least(
            cast({{ dbt.dateadd('day', 'policies.confirm_days', 'in_force.as_of') }} as date), policies.claim_to
        ) as confirm_by,
        said.state as said_state,
        said.claimed_on,
        -- Where nothing is heard of it: 0 where it would have been, null where a claim may be there and was not received.
        case when said.uscc is null then {{ absent_means('finance', 'policy_claims') }} else 1 end as statements,
        decisions.conditions,
        decisions.conditions_met,
        decisions.conditions_not_known,
        decisions.failing_condition_no,
        decisions.gap,
        decisions.closes_on
    from decisions
    cross join in_force
    inner join enterprises on decisions.subject = enterprises.subject
    inner join policies on decisions.item_id = policies.policy_id and decisions.version = policies.version
    left join related
        on
            decisions.subject = related.subject
            and decisions.item_id = related.item_id
            and decisions.version = related.version
    left join said
        on
            enterprises.uscc = said.uscc
            and policies.policy_id = said.policy_id
            and policies.version = said.version
            and said.newest_rank = 1
),

offered as (
    select
        *,
        case
            when decision <> 'eligible' then null
            when claim_state <> 'open' then claim_state
            when said_state = 'refused' then 'refused'
            when said_state is not null then 'already_claimed'
            when statements is null then 'claims_not_known'
        end as unlisted_reason
    from decided
),

confirmed as (
    select
        uscc,
        policy_id,
        version,
        name_zh,
        name_en,
        department,
        procedure,
        channel,
        decision,
        -- Whom the list names confirms or refuses; nobody need apply. Only while the window is open, and once.
        decision = 'eligible' and unlisted_reason is null as is_listed,
        unlisted_reason,
        said_state,
        claimed_on,
        claim_state,
        claim_from,
        claim_to,
        case when decision = 'eligible' and unlisted_reason is null then confirm_by end as confirm_by,
        excludes,
        conditions,
        conditions_met,
        conditions_not_known,
        failing_condition_no,
        case when decision <> 'eligible' then failing_zh end as failing_zh,
        case when decision <> 'eligible' then failing_en end as failing_en,
        gap,
        closes_on
    from offered
)

select * from confirmed
