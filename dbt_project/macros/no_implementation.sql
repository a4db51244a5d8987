{#- A macro that only some engines have says so when it compiles, not by a strange SQL error. -#}
{% macro no_implementation(macro_name) %}
    {{ exceptions.raise_compiler_error(macro_name ~ ' has no implementation for ' ~ target.type ~ ': add ' ~ target.type ~ '__' ~ macro_name) }}
{% endmacro %}
