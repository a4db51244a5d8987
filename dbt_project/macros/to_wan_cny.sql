{#- Yuan to 万元 (10,000 yuan), exact: fen have six decimals there, so nothing is rounded. -#}
{% macro to_wan_cny(amount_cny) -%}
    cast(({{ amount_cny }}) * 0.0001 as decimal(20, 6))
{%- endmacro %}
