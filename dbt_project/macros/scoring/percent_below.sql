{#- Percent of the other peers that come after a shared rank, to two digits; null for one that has no peer. -#}
{% macro percent_below(rank, tied, peers) -%}
    case
        when {{ peers }} > 1
            then cast({{ whole_quotient(
                '20000 * (' ~ peers ~ ' - ' ~ rank ~ ' - ' ~ tied ~ ' + 1) + ' ~ peers ~ ' - 1', '2 * (' ~ peers ~ ' - 1)'
            ) }} * 0.01 as decimal(9, 2))
    end
{%- endmacro %}
