{#- Whole fen as yuan, for people to read. -#}
{% macro fen_text(fen) -%}
    cast(cast({{ fen }} * 0.01 as decimal(20, 2)) as varchar)
{%- endmacro %}

{#- Percent to whole millionths, exact. -#}
{% macro to_ppm(pct) -%}
    cast(cast({{ pct }} as decimal(9, 4)) * 10000 as bigint)
{%- endmacro %}
