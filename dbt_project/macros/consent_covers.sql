{#- Whether a consent is in force on a day and covers a class of data; the day of its withdrawal is no longer covered. -#}
{% macro consent_covers(consents, day, data_class) -%}
    {{ consents }}.valid_from <= {{ day }}
    and coalesce({{ consents }}.valid_to >= {{ day }}, true)
    and coalesce({{ consents }}.withdrawn_on > {{ day }}, true)
    and instr(',' || replace({{ consents }}.data_classes, ' ', '') || ',', ',{{ data_class }},') > 0
{%- endmacro %}
