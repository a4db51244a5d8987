{%- set named = [
    {'in': ['credit', 'repairs'], 'record': 'repair_no', 'by': 'event_no', 'of': ['credit', 'events']},
    {'in': ['finance', 'lease_payments'], 'record': 'payment_no', 'by': 'lease_no', 'of': ['finance', 'leases']},
] -%}
{%- set of_seeds = [
    {'in': ['finance', 'policy_claims'], 'record': 'claim_no', 'by': ['policy_id', 'version'], 'of': 'policies'},
    {'in': ['finance', 'pool_funds'], 'record': 'fund_no', 'by': ['pool_id'], 'of': 'pool_terms'},
] -%}
-- Records that name another record which is not there: left out of every sum, and so to be told.
with supply as (
    select * from {{ ref('supply') }}
    where is_supplied
),

unfound as (
    {% for one in named %}
        select
            '{{ one.in[0] }}' as source,
            '{{ one.in[1] }}' as dataset,
            named.{{ one.record }} as record_no,
            named.{{ one.by }} as names_what
        from ({{ landed(*one.in) }}) as named
        left join ({{ landed(*one.of) }}) as found on named.{{ one.by }} = found.{{ one.by }}
        inner join supply on supply.source = '{{ one.of[0] }}' and supply.dataset = '{{ one.of[1] }}'
        where found.{{ one.by }} is null
        union all
    {% endfor %}
    {% for one in of_seeds %}
        select
            '{{ one.in[0] }}' as source,
            '{{ one.in[1] }}' as dataset,
            named.{{ one.record }} as record_no,
            named.{{ one.by | join(" || ' ' || named.") }} as names_what
        from ({{ landed(*one.in) }}) as named
        left join {{ ref(one.of) }} as found
            on {% for column in one.by %}named.{{ column }} = found.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}

        where found.{{ one.by[0] }} is null
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from unfound
