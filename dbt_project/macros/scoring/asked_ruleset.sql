{#- The id of a rule set that is chosen by name (`jifen score`), whatever its days and scheme; empty in a night. -#}
{% macro asked_ruleset() -%}
    {{- return(var('ruleset', env_var('JIFEN_RULESET', ''))) -}}
{%- endmacro %}

{#- Whether a rule set is the one to score by: the one chosen by name, else the active one of the night's scheme on the day. -#}
{% macro is_in_force(rulesets, day) -%}
    {%- if asked_ruleset() -%}
        {{ rulesets }}.ruleset_id = '{{ asked_ruleset() | replace("'", "''") }}'
    {%- else -%}
        {{ rulesets }}.status = 'active'
        and {{ rulesets }}.scheme = {{ scheme() }}
        and {{ rulesets }}.valid_from <= {{ day }}
        and ({{ rulesets }}.valid_to is null or {{ rulesets }}.valid_to >= {{ day }})
    {%- endif -%}
{%- endmacro %}
