with decisions as (
    select * from {{ ref('decisions') }}
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

products as (
    select
        items.item_no,
        products.*,
        products.marketing_from <= in_force.as_of
        and (products.marketing_to is null or products.marketing_to >= in_force.as_of) as is_marketed,
        cast({{ dbt.dateadd('day', 'products.stands_days', 'in_force.as_of') }} as date) as stands_until
    from {{ ref('products') }} as products
    inner join {{ ref('item_versions') }} as items
        on products.product_id = items.item_id and products.version = items.version and items.kind = 'product'
    cross join {{ ref('ruleset_in_force') }} as in_force
),

conditions as (
    select * from {{ ref('conditions_asked') }}
),

limits as (
    select * from {{ ref('limits') }}
),

offered as (
    select
        enterprises.uscc,
        products.product_id,
        products.version,
        products.bank,
        products.name_zh,
        products.name_en,
        products.pattern,
        decisions.decision,
        products.is_marketed,
        -- Eligible, and still without a limit: the reason.
        case
            when decisions.decision <> 'eligible' then null
            when limits.limit_fen is null and limits.below_minimum_fen is null then 'basis_not_known'
            when limits.limit_fen is null then 'below_the_least_limit'
            when limits.rate_pct is null then 'rate_not_known'
        end as unpriced_reason,
        limits.limit_fen,
        limits.below_minimum_fen,
        products.is_addition,
        limits.uplift_pct,
        limits.answer_days,
        case when decisions.decision = 'eligible' then enterprises.score end as score,
        limits.base as rate_base,
        limits.rate_pct,
        products.term_months,
        case when decisions.decision = 'eligible' then products.stands_until end as stands_until,
        decisions.conditions,
        decisions.conditions_met,
        decisions.conditions_not_known,
        decisions.failing_condition_no,
        conditions.text_zh as failing_zh,
        conditions.text_en as failing_en,
        decisions.gap,
        decisions.closes_on
    from decisions
    inner join enterprises on decisions.subject_id = enterprises.enterprise_id
    inner join products on decisions.item_no = products.item_no
    left join limits on decisions.subject_id = limits.subject_id and decisions.item_no = limits.item_no
    left join conditions
        on decisions.item_no = conditions.item_no and decisions.failing_condition_no = conditions.condition_no
)

select * from offered
