{#- One row of what is wrong with a rule set: the file, the row by its key, and the problem in both languages. -#}
{% macro problem(file, keys, zh, en) -%}
    ruleset_id,
        '{{ file }}' as file,
        {% for key in keys %}{{ " || ', ' || " if not loop.first }}coalesce(cast({{ key }} as varchar), '-'){% endfor %} as row_key,
        {{ zh }} as problem_zh,
        {{ en }} as problem_en
{%- endmacro %}
