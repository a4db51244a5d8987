{#- The business date of the run, given by the caller and never taken from the clock. A night gives it by environment
    variable: a changed `--vars` would make dbt parse the whole project anew each day. -#}
{% macro as_of() %}
    {%- set day = var('as_of', env_var('JIFEN_AS_OF', '')) -%}
    {%- if execute and not day -%}
        {{ exceptions.raise_compiler_error("as_of is not set: set JIFEN_AS_OF, or pass --vars '{as_of: \"YYYY-MM-DD\"}'") }}
    {%- endif -%}
    cast('{{ day }}' as date)
{%- endmacro %}
