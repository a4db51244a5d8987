{#- Whether a row of `int_names__dated` was in force on a day, both ends included; a day that is not known may be any. -#}
{% macro borne_on(names, day) -%}
    {{ day }} is null
    or ({{ day }} >= {{ names }}.valid_from and ({{ names }}.valid_to is null or {{ day }} <= {{ names }}.valid_to))
{%- endmacro %}
