{#- What each model counts by quarter, and how many records it could not judge; `figure_definitions` defines it. -#}
{%- set counted = {
    'product_quarters': {'banks': '0', 'products': '0'},
    'loan_quarters': {
        'enterprises_with_loans': '0',
        'loans_drawn_fen': 'loans_left_out',
        'loans_outstanding_fen': 'loans_left_out',
        'loan_rate_ppm': 'loans_left_out',
    },
    'market_quarters': {
        'needs_posted': '0',
        'needs_matched': '0',
        'needs_approved': '0',
        'needs_drawn': '0',
        'needs_posted_fen': '0',
        'needs_matched_fen': '0',
        'needs_approved_fen': '0',
        'needs_drawn_fen': '0',
        'enterprises_granted': '0',
        'credit_granted_fen': 'limits_not_known',
        'credit_drawn_fen': 'drawn_limits_not_known',
    },
    'subsidy_quarters': {
        'subsidies_granted_fen': 'lines_left_out',
        'cost_reduction_ppm': 'lines_left_out',
        'subsidies_paid_fen': '0',
        'enterprises_subsidised': '0',
        'financing_subsidised_fen': '0',
    },
    'pool_quarters': {
        'agreed_fen': '0',
        'guarantees': '0',
        'guaranteed_fen': 'balances_not_known',
        'guarantee_fee_ppm': '0',
        'pool_fen': '0',
        'pool_leverage_ppm': 'balances_not_known',
    },
} -%}
with quarters as (
    select * from {{ ref('programme_quarters') }}
),

definitions as (
    select * from {{ ref('figure_definitions') }}
),

supply as (
    select * from {{ ref('supply') }}
),

products as (
    select * from {{ ref('products') }}
),

product_quarters as (
    select
        quarters.quarter,
        count(distinct products.bank) as banks,
        count(distinct products.product_id) as products
    from quarters
    left join products
        on quarters.ends_on >= products.valid_from and coalesce(quarters.ends_on <= products.valid_to, true)
    group by quarters.quarter
),

loan_quarters as (
    select * from {{ ref('loan_quarters') }}
),

market_quarters as (
    select * from {{ ref('market_quarters') }}
),

subsidy_quarters as (
    select * from {{ ref('subsidy_quarters') }}
),

pool_quarters as (
    select * from {{ ref('pool_quarters') }}
),

measured as (
    {% for relation, figures in counted.items() %}
        {% set last_relation = loop.last %}
        {% for figure, not_judged in figures.items() %}
            select
                quarter,
                '{{ figure }}' as figure,
                cast({{ figure }} as bigint) as value,
                cast({{ not_judged }} as bigint) as not_judged
            from {{ relation }}
            {{ 'union all' if not (last_relation and loop.last) }}
        {% endfor %}
    {% endfor %}
),

asked_of as (
    select
        figure,
        {{ split_rows('datasets', ';') }} as dataset
    from definitions
    where datasets is not null
),

-- A figure of records that were not supplied is not known; it is not zero.
not_supplied as (
    select distinct asked_of.figure
    from asked_of
    left join supply on asked_of.dataset = supply.source || '.' || supply.dataset
    where not coalesce(supply.is_supplied, false)
),

figures as (
    select
        coalesce(definitions.figure, measured.figure) as figure,
        definitions.place,
        measured.quarter,
        quarters.starts_on,
        quarters.ends_on,
        case when not_supplied.figure is null then measured.value end as value,
        case when not_supplied.figure is null then measured.not_judged end as not_judged,
        definitions.unit,
        definitions.counted,
        definitions.chart_zh,
        definitions.chart_en,
        definitions.name_zh,
        definitions.name_en,
        definitions.definition_zh,
        definitions.definition_en,
        definitions.source_table
    from definitions
    full join measured on definitions.figure = measured.figure
    left join quarters on measured.quarter = quarters.quarter
    left join not_supplied on definitions.figure = not_supplied.figure
)

select * from figures
