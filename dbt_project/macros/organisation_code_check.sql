{#-
    Whether the organisation code inside a unified social credit code (positions 9 to 17) has the check character that its
    eight others call for: GB 11714, 11 minus the weighted sum modulo 11, where 10 is written X and 11 is written 0.
-#}
{% macro organisation_code_check(uscc) -%}
    {%- set letters = "'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'" -%}
    {%- set weighted = [] -%}
    {%- for weight in [3, 7, 9, 10, 5, 8, 4, 2] -%}
        {%- set letter = 'substr(' ~ uscc ~ ', ' ~ (loop.index + 8) ~ ', 1)' -%}
        {%- do weighted.append(weight ~ ' * (' ~ dbt.position(letter, letters) ~ ' - 1)') -%}
    {%- endfor -%}
    substr({{ uscc }}, 17, 1) = substr('0X987654321', ({{ weighted | join(' + ') }}) % 11 + 1, 1)
{%- endmacro %}
