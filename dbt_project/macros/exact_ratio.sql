{#-
    numerator * times / denominator to `scale` digits, rounded half away from zero, as decimal(20, scale); null where the
    denominator is 0 or either is null. Both may have up to four decimals.
    Division of decimals goes through double in some engines, which moves last digits: this one stays in integers.
    A result too large for the type stays at the type's largest value, so that one absurd filing (a base of 0.01 yuan) cannot
    stop the night; every rule is capped far below it.
-#}
{% macro exact_ratio(numerator, denominator, scale=6, times=1) %}
    {{- return(adapter.dispatch('exact_ratio', 'jifen')(numerator, denominator, scale, times)) -}}
{% endmacro %}

{% macro default__exact_ratio(numerator, denominator, scale, times) %}
    {{- no_implementation('exact_ratio') -}}
{% endmacro %}

{% macro duckdb__exact_ratio(numerator, denominator, scale, times) -%}
    {%- set above = 'cast((' ~ numerator ~ ') * cast(10000 as decimal(5, 0)) as hugeint)' -%}
    {%- set below = 'cast((' ~ denominator ~ ') * cast(10000 as decimal(5, 0)) as hugeint)' -%}
    case
        when {{ below }} <> 0
            then cast(
                cast(
                    sign({{ above }}) * sign({{ below }}) * least(
                        (abs({{ above }}) * {{ 2 * times * 10 ** scale }} + abs({{ below }})) // (2 * abs({{ below }})),
                        cast({{ '9' * 20 }} as hugeint)
                    ) as decimal(20, 0)
                ) * cast({{ '0.' ~ '0' * (scale - 1) ~ '1' }} as decimal({{ scale }}, {{ scale }})) as decimal(20, {{ scale }})
            )
    end
{%- endmacro %}
