with decisions as (
    select * from {{ ref('decisions') }}
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

policies as (
    select
        items.item_no,
        policies.*,
        case
            when policies.claim_from > in_force.as_of then 'not_yet_open'
            when policies.claim_to < in_force.as_of then 'closed'
            else 'open'
        end as claim_state,
        least(
            cast({{ dbt.dateadd('day', 'policies.confirm_days', 'in_force.as_of') }} as date), policies.claim_to
        ) as confirm_by
    from {{ ref('policies') }} as policies
    cross join {{ ref('ruleset_in_force') }} as in_force
    inner join {{ ref('item_versions') }} as items
        on policies.policy_id = items.item_id and policies.version = items.version and items.kind = 'policy'
),

conditions as (
    select * from {{ ref('conditions_asked') }}
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

-- The last answer of an enterprise to a policy within its claim period.
said as (
    select
        coalesce(redirected.uscc, statements.uscc) as uscc,
        policies.item_no,
        statements.state,
        statements.claimed_on,
        row_number() over (
            partition by coalesce(redirected.uscc, statements.uscc), policies.item_no
            order by statements.claimed_on desc, length(statements.claim_no) desc, statements.claim_no desc
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

-- Of the policies that another one requires or excludes: what was decided, whether they are in force on the business date or
-- not. One that is not in force is open to no enterprise.
others as (
    select
        relations.policy_id,
        relations.version,
        relations.relation,
        relations.other_policy_id,
        max(policies.name_zh) as name_zh,
        max(policies.name_en) as name_en
    from relations
    inner join policies on relations.other_policy_id = policies.policy_id
    group by relations.policy_id, relations.version, relations.relation, relations.other_policy_id
),

decided_by_policy as (
    select
        decisions.subject_id,
        policies.policy_id,
        max(decisions.decision) as decision
    from decisions
    inner join policies on decisions.item_no = policies.item_no
    where policies.policy_id in (select relations.other_policy_id from relations)
    group by decisions.subject_id, policies.policy_id
),

compared as (
    select
        decisions.subject_id,
        decisions.item_no,
        others.relation,
        others.other_policy_id,
        others.name_zh,
        others.name_en,
        coalesce(decided_by_policy.decision, 'no') as decision
    from decisions
    inner join policies on decisions.item_no = policies.item_no
    inner join others on policies.policy_id = others.policy_id and policies.version = others.version
    left join decided_by_policy
        on decisions.subject_id = decided_by_policy.subject_id and others.other_policy_id = decided_by_policy.policy_id
),

-- A relation bars where the required policy is not open, or the excluded one is.
lacking as (
    select
        subject_id,
        item_no,
        min(name_zh) as lacks_zh,
        min(name_en) as lacks_en,
        max(case when decision = 'no' then 1 else 0 end) as is_barred
    from compared
    where relation = 'requires' and decision <> 'eligible'
    group by subject_id, item_no
),

-- Policies that the enterprise confirmed or claimed in their claim period, and which exclude this one for good.
taken as (
    select distinct
        enterprises.enterprise_id as subject_id,
        policies.item_no,
        others.other_policy_id
    from others
    inner join policies on others.policy_id = policies.policy_id and others.version = policies.version
    inner join policies as claimed on others.other_policy_id = claimed.policy_id
    inner join said on claimed.item_no = said.item_no and said.newest_rank = 1
    inner join enterprises on said.uscc = enterprises.uscc
    where others.relation = 'excludes' and said.state <> 'refused'
),

excluded as (
    select
        subject_id,
        item_no,
        other_policy_id,
        1 as is_taken
    from taken
    union all
    select
        compared.subject_id,
        compared.item_no,
        compared.other_policy_id,
        0 as is_taken
    from compared
    left join taken
        on
            compared.subject_id = taken.subject_id
            and compared.item_no = taken.item_no
            and compared.other_policy_id = taken.other_policy_id
    where compared.relation = 'excludes' and compared.decision = 'eligible' and taken.subject_id is null
),

excluding as (
    select
        subject_id,
        item_no,
        {{ joined_text('other_policy_id', ', ') }} as excludes,
        max(is_taken) as is_taken
    from excluded
    group by subject_id, item_no
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
            when lacking.is_barred = 1 then 'no'
            when lacking.is_barred = 0 and decisions.decision = 'eligible' then 'near_miss'
            else decisions.decision
        end as decision,
        coalesce(conditions.text_zh, '须同时符合：' || lacking.lacks_zh) as failing_zh,
        coalesce(conditions.text_en, 'needs the conditions of: ' || lacking.lacks_en) as failing_en,
        excluding.excludes,
        excluding.is_taken,
        policies.claim_from,
        policies.claim_to,
        policies.claim_state,
        policies.confirm_by,
        said.state as said_state,
        said.claimed_on,
        -- Without an answer: 0 where the dataset covers all enterprises, null where an answer may exist and was not received.
        case when said.uscc is null then {{ absent_means('finance', 'policy_claims') }} else 1 end as statements,
        decisions.conditions,
        decisions.conditions_met,
        decisions.conditions_not_known,
        decisions.failing_condition_no,
        decisions.gap,
        decisions.closes_on
    from decisions
    inner join enterprises on decisions.subject_id = enterprises.enterprise_id
    inner join policies on decisions.item_no = policies.item_no
    left join conditions
        on decisions.item_no = conditions.item_no and decisions.failing_condition_no = conditions.condition_no
    left join lacking on decisions.subject_id = lacking.subject_id and decisions.item_no = lacking.item_no
    left join excluding on decisions.subject_id = excluding.subject_id and decisions.item_no = excluding.item_no
    left join said
        on
            enterprises.uscc = said.uscc
            and policies.item_no = said.item_no
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
            when is_taken = 1 then 'excluded_by_claim'
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
        -- Listed enterprises confirm or refuse and need not apply. Only while the window is open, and once.
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
