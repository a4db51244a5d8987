{#-
    numerator * times / denominator, rounded half away from zero; null where either is null, the denominator is 0 or the condition
    `unless` holds. One division of doubles within a row is the same on every engine; its rounding is not, but for these two casts.
    Beyond 999,999 it stays there, so that one absurd filing (a base of 0.01 yuan) cannot stop the night.
-#}
{% macro ratio(numerator, denominator, times=1, scale=6, unless='') -%}
    case
            when {{ 'not ' ~ unless ~ ' and ' if unless }}({{ numerator }}) is not null and ({{ denominator }}) <> 0
                then cast(cast(
                    greatest(
                        -999999,
                        least(999999, cast({{ numerator }} as double) * {{ times }} / cast({{ denominator }} as double))
                    ) as decimal(18, 12)
                ) as decimal(20, {{ scale }}))
        end
{%- endmacro %}
