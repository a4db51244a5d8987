{#-
    The place of each row of `relation` among those with the same `of`, by the rows of `market_orders` for `list`: two CTEs, the
    second of which, `ordered`, has the columns of `key`, the place and how many share it. What is not known comes last. `fields` are what the list may be ordered by; `checks/market/orders__field.sql` names the same.
-#}
{% macro market_order(relation, key, of, list, fields, condition) -%}
keyed as (
    select
        {{ relation }}.{{ key | join(', ' ~ relation ~ '.') }},
        {%- for place in [1, 2, 3] %}
        max(
            case
                when orders.place = {{ place }}
                    then case orders.direction when 'lowest' then -1 else 1 end * case orders.field
                        {%- for field in fields %}
                        when '{{ field }}' then cast({{ relation }}.{{ field }} as decimal(24, 6))
                        {%- endfor %}
                    end
            end
        ) as key_{{ place }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    left join {{ ref('market_orders') }} as orders on orders.list = '{{ list }}'
    where {{ condition }}
    group by {{ relation }}.{{ key | join(', ' ~ relation ~ '.') }}
),

ordered as (
    select
        {{ key | join(', ') }},
        rank() over (
            partition by {{ of | join(', ') }} order by key_1 desc nulls last, key_2 desc nulls last, key_3 desc nulls last
        ) as place,
        count(*) over (partition by {{ of | join(', ') }}, key_1, key_2, key_3) as equals
    from keyed
),
{%- endmacro %}
