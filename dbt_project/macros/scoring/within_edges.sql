{#- A figure as decimal(18, 6), with what is beyond its edges put on them; null stays null, which least and greatest pass over. -#}
{% macro within_edges(figure) -%}
    case
        when {{ figure }} between -999999999999 and 999999999999 then cast({{ figure }} as decimal(18, 6))
        when {{ figure }} > 0 then cast(999999999999 as decimal(18, 6))
        when {{ figure }} < 0 then cast(-999999999999 as decimal(18, 6))
    end
{%- endmacro %}
