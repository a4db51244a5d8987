{#- Several yes or no of one thing as the digits of one binary number: every digit that any row of a group has. -#}
{% macro any_bits(number) %}
    {{- return(adapter.dispatch('any_bits', 'jifen')(number)) -}}
{% endmacro %}

{% macro default__any_bits(number) %}{{ return('bit_or(' ~ number ~ ')') }}{% endmacro %}

{#- Whether such a number lacks a digit; `place` is counted from 0. Null where there is no number. -#}
{% macro lacks_bit(number, place) %}
    {{- return(adapter.dispatch('lacks_bit', 'jifen')(number, place)) -}}
{% endmacro %}

{% macro default__lacks_bit(number, place) %}{{ return('(' ~ number ~ ' & ' ~ 2 ** place ~ ') = 0') }}{% endmacro %}
