{#-
    One exact division of whole numbers, for money in fen, as bigint: the part of a fen left out (towards 0), or rounded half away
    from 0. `/` and `avg` give doubles, which are a fen wrong now and then. The denominator is above 0; null where either is null.
-#}
{% macro divided_down(numerator, denominator) %}
    {{- return(adapter.dispatch('divided_down', 'jifen')(numerator, denominator)) -}}
{% endmacro %}

{% macro duckdb__divided_down(numerator, denominator) -%}
    cast(cast({{ numerator }} as hugeint) // cast({{ denominator }} as hugeint) as bigint)
{%- endmacro %}

{% macro divided_half_up(numerator, denominator) %}
    {{- return(adapter.dispatch('divided_half_up', 'jifen')(numerator, denominator)) -}}
{% endmacro %}

{% macro duckdb__divided_half_up(numerator, denominator) -%}
    cast(
            sign({{ numerator }})
            * (
                (2 * abs(cast({{ numerator }} as hugeint)) + cast({{ denominator }} as hugeint))
                // (2 * cast({{ denominator }} as hugeint))
            ) as bigint
        )
{%- endmacro %}
