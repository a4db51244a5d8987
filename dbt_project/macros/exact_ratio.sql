{#-
    numerator * times / denominator to `scale` digits, rounded half away from zero, as decimal(20, scale); null where the
    denominator is 0, either is null, or the condition `unless` holds. Neither may have more than `digits` decimals; `times` is
    a power of ten.
    Division of decimals goes through double in some engines, which moves last digits: this one stays in integers.
    A result too large for the type stays at the type's largest value, so that one absurd filing (a base of 0.01 yuan) cannot
    stop the night; every rule is capped far below it.
-#}
{% macro exact_ratio(numerator, denominator, scale=6, times=1, digits=4, unless='') %}
    {%- set divisor = 'case when not ' ~ unless ~ ' then ' ~ denominator ~ ' end' if unless else denominator -%}
    {{- return(adapter.dispatch('exact_ratio', 'jifen')(numerator, divisor, scale, times, digits)) -}}
{% endmacro %}

{% macro default__exact_ratio(numerator, denominator, scale, times, digits) %}
    {{- no_implementation('exact_ratio') -}}
{% endmacro %}

{#-
    Wide integers divide slowly, at some two microseconds a ratio. Where both figures are below 10^15 in their last decimal and
    the result below 10^18 in its own, which nearly all are, the division is done by hand, three digits at a time, so that each
    step fits 64 bits; elsewhere its divisor is null. No case stands around the short way, since what is in a case is worked
    out anew wherever it is written, and outside of one only once.
-#}
{% macro duckdb__exact_ratio(numerator, denominator, scale, times, digits=4) -%}
    {%- set multiplier = times * 10 ** scale -%}
    {%- set short = 'decimal(' ~ [15, 17 - digits] | min ~ ', ' ~ digits ~ ')' -%}
    {%- set unit = 'cast(' ~ 10 ** digits ~ ' as decimal(' ~ (digits + 1) ~ ', 0))' -%}
    {%- set a = 'cast(abs(try_cast(' ~ numerator ~ ' as ' ~ short ~ ')) * ' ~ unit ~ ' as bigint)' -%}
    {%- set divisor = 'cast(abs(try_cast(' ~ denominator ~ ' as ' ~ short ~ ')) * ' ~ unit ~ ' as bigint)' -%}
    {%- set b = '(case when ' ~ a ~ ' // ' ~ divisor ~ ' < ' ~ 9 * 10 ** 17 // multiplier ~ ' then ' ~ divisor ~ ' end)' -%}
    {%- set division = namespace(quotient=a ~ ' // ' ~ b, rest='(' ~ a ~ ' % ' ~ b ~ ')', left=multiplier) -%}
    {%- for step in range(10) if division.left > 1 -%}
        {%- set factor = [division.left, 1000] | min -%}
        {%- set more = '(' ~ division.rest ~ ' * ' ~ factor ~ ')' -%}
        {%- set division.quotient = '(' ~ division.quotient ~ ') * ' ~ factor ~ ' + ' ~ more ~ ' // ' ~ b -%}
        {%- set division.rest = '(' ~ more ~ ' % ' ~ b ~ ')' -%}
        {%- set division.left = division.left // factor -%}
    {%- endfor -%}
    {%- set above = 'cast((' ~ numerator ~ ') * ' ~ unit ~ ' as hugeint)' -%}
    {%- set below = 'cast((' ~ denominator ~ ') * ' ~ unit ~ ' as hugeint)' -%}
    {%- set last_digit = 'cast(0.' ~ '0' * (scale - 1) ~ '1 as decimal(' ~ scale ~ ', ' ~ scale ~ '))' -%}
    coalesce(
            cast(
                cast(
                    (case when ({{ numerator }} < 0) = ({{ denominator }} < 0) then 1 else -1 end)
                    * ({{ division.quotient }} + {{ division.rest }} * 2 // {{ b }}) as decimal(18, 0)
                ) * {{ last_digit }} as decimal(20, {{ scale }})
            ),
            case
                when ({{ denominator }}) <> 0
                    then cast(
                        cast(
                            sign({{ above }}) * sign({{ below }}) * least(
                                (abs({{ above }}) * {{ 2 * multiplier }} + abs({{ below }})) // (2 * abs({{ below }})),
                                cast({{ '9' * 20 }} as hugeint)
                            ) as decimal(20, 0)
                        ) * {{ last_digit }} as decimal(20, {{ scale }})
                    )
            end
        )
{%- endmacro %}
