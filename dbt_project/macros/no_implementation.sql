{#- Raises a plain error at compile time for a macro that has no implementation for this engine. -#}
{% macro no_implementation(macro_name) %}
    {{ exceptions.raise_compiler_error(macro_name ~ ' has no implementation for ' ~ target.type ~ ': add ' ~ target.type ~ '__' ~ macro_name) }}
{% endmacro %}
