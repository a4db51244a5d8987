{#- Which record names which other by what columns; `of` is an import below, of a dataset that has to be supplied or a seed. -#}
{%- set named = [
    {'in': ['credit', 'repairs'], 'record': 'repair_no', 'by': ['event_no'], 'of': 'events', 'supplied': 'credit'},
    {'in': ['finance', 'lease_payments'], 'record': 'payment_no', 'by': ['lease_no'], 'of': 'leases', 'supplied': 'finance'},
    {'in': ['finance', 'policy_claims'], 'record': 'claim_no', 'by': ['policy_id', 'version'], 'of': 'policies'},
    {'in': ['finance', 'pool_funds'], 'record': 'fund_no', 'by': ['pool_id'], 'of': 'pool_terms'},
] -%}
-- Records that name another record which is not there. No sum includes them, so the gate reports them.
with supply as (
    select * from {{ ref('supply') }}
    where is_supplied
),

events as (
    {{ landed('credit', 'events') }}
),

leases as (
    {{ landed('finance', 'leases') }}
),

policies as (
    select * from {{ ref('policies') }}
),

pool_terms as (
    select * from {{ ref('pool_terms') }}
),

unfound as (
    {% for one in named %}
        select
            '{{ one.in[0] }}' as source,
            '{{ one.in[1] }}' as dataset,
            named.{{ one.record }} as record_no,
            named.{{ one.by | join(" || ' ' || named.") }} as names_what
        from ({{ landed(*one.in) }}) as named
        left join {{ one.of }}
            on {% for column in one.by -%}
                named.{{ column }} = {{ one.of }}.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
        {% if one.supplied %}
            inner join supply on supply.source = '{{ one.supplied }}' and supply.dataset = '{{ one.of }}'
        {% endif %}
        where {{ one.of }}.{{ one.by[0] }} is null
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from unfound
