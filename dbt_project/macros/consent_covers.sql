{#-
    Whether a consent is in force on a day, was given for the purpose and covers the class of data of a row of `market_consents`; the
    day of its withdrawal is no longer covered.
-#}
{% macro consent_covers(consents, day, uses) -%}
    {{ consents }}.valid_from <= {{ day }}
    and coalesce({{ consents }}.valid_to >= {{ day }}, true)
    and coalesce({{ consents }}.withdrawn_on > {{ day }}, true)
    and {{ consents }}.purpose = {{ uses }}.purpose
    and {{ names_class(consents ~ '.data_classes', uses ~ '.data_class') }}
{%- endmacro %}

{#- Whether a list of classes of data, as a consent states it, has this one. -#}
{% macro names_class(data_classes, data_class) -%}
    instr(',' || replace({{ data_classes }}, ' ', '') || ',', ',' || {{ data_class }} || ',') > 0
{%- endmacro %}
