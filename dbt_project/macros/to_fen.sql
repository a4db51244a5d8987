{#- Yuan, of two decimals at most, to whole fen: exact. A part of a fen is rounded away; null stays null. -#}
{% macro to_fen(amount_cny) -%}
    cast(cast(({{ amount_cny }}) as decimal(20, 2)) * 100 as bigint)
{%- endmacro %}
