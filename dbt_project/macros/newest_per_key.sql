{#- The newest delivery of each key of a relation that holds all batches, without the keys that it deletes. Keeps a column `newest_rank`, always 1. -#}
{% macro newest_per_key(relation, key, newest_first) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    {% for column in newest_first -%}
                    {{ column }} desc,
                    {% endfor -%}
                    _learned_on desc,
                    _batch desc,
                    _position desc
            ) as newest_rank
        from {{ relation }}
    ) as ranked
    where newest_rank = 1 and not coalesce(_deleted, false)
{%- endmacro %}
