{#-
    The columns of a record that an indicator counts, beside its uscc and its indicator_code: where it is found (source,
    dataset, record_ref, raw file and place), its day, the day on which it was received, what it adds in the indicator's own
    unit, and its level where it has one. An ind_ model sums what it adds; the evidence lists the very same rows.
-#}
{% macro counted_record(relation, source_name, dataset, record_ref, dated_on, quantity='1', level='null') -%}
    '{{ source_name }}' as source,
        '{{ dataset }}' as dataset,
        {{ record_ref }} as record_ref,
        {{ dated_on }} as dated_on,
        {{ relation }}.learned_on,
        cast({{ quantity }} as decimal(20, 6)) as quantity,
        cast({{ level }} as varchar) as level,
        {{ relation }}.raw_sha256,
        {{ relation }}.raw_position
{%- endmacro %}
