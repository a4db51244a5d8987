{#-
    A strict key, as `match_key` makes it, with what agencies write this way and that left out: brackets of any kind (what
    stands in them stays), dots, dashes, commas and quotation marks; and 有限责任公司 is 有限公司, by company law the same thing.
    股份有限公司 is another form of company and stays apart.
-#}
{% macro loose_match_key(name_key) %}
    {{- return(adapter.dispatch('loose_match_key', 'jifen')(name_key)) -}}
{% endmacro %}

{% macro duckdb__loose_match_key(name_key) -%}
    {%- set dropped = '[()\\[\\]{}<>【】〔〕〖〗《》〈〉「」『』·•・‧∙⋅･。.,，、;:：`"“”‘’\'\'_‐‑–—―-]' -%}
    replace(regexp_replace({{ name_key }}, '{{ dropped }}', '', 'g'), '有限责任公司', '有限公司')
{%- endmacro %}
