with decisions as (
    select * from {{ ref('decisions') }}
    where kind = 'product'
),

enterprises as (
    select * from {{ ref('enterprise_facts') }}
),

products as (
    select * from {{ ref('products') }}
),

limits as (
    select * from {{ ref('limits') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
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
        products.marketing_from <= in_force.as_of
        and (products.marketing_to is null or products.marketing_to >= in_force.as_of) as is_marketed,
        -- Let in, and still without a figure: the reason why.
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
        case
            when decisions.decision = 'eligible'
                then cast({{ dbt.dateadd('day', 'products.stands_days', 'in_force.as_of') }} as date)
        end as stands_until,
        decisions.conditions,
        decisions.conditions_met,
        decisions.conditions_not_known,
        decisions.failing_condition_no,
        decisions.failing_zh,
        decisions.failing_en,
        decisions.gap,
        decisions.closes_on
    from decisions
    cross join in_force
    inner join enterprises on decisions.subject = enterprises.subject
    inner join products on decisions.item_id = products.product_id and decisions.version = products.version
    left join limits
        on
            decisions.subject = limits.subject
            and decisions.item_id = limits.product_id
            and decisions.version = limits.version
)

select * from offered
