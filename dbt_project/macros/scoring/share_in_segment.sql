{#- The share of the maximum at a position within its segment, for people to read: rounded to ten digits, points are not made of it. -#}
{% macro share_in_segment(position, rules) -%}
    case
        when {{ rules }}.share_at_lo = {{ rules }}.share_at_hi then {{ rules }}.share_at_lo
        when {{ rules }}.function = 'log_capped'
            then cast(
                {{ rules }}.share_at_lo + ({{ rules }}.share_at_hi - {{ rules }}.share_at_lo) * cast(
                    (ln(cast({{ position }} + {{ rules }}.log_offset as double)) - ln(cast({{ rules }}.lo + {{ rules }}.log_offset as double)))
                    / (ln(cast({{ rules }}.hi + {{ rules }}.log_offset as double)) - ln(cast({{ rules }}.lo + {{ rules }}.log_offset as double)))
                    as decimal(9, 8)
                ) as decimal(12, 10)
            )
        else cast(
            {{ rules }}.share_at_lo
            + cast(
                cast(({{ rules }}.share_at_hi - {{ rules }}.share_at_lo) as double)
                * cast({{ position }} - {{ rules }}.lo as double) / cast({{ rules }}.hi - {{ rules }}.lo as double) as decimal(12, 10)
            ) as decimal(12, 10)
        )
    end
{%- endmacro %}
