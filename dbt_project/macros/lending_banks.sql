{#-
    The sources that report the loans of enterprises: those with a dataset `loans`, read when the models compile. A further bank
    is its source file, whose `loans` has the columns that `int_loans__reported` takes. In a unit test there is none.
-#}
{% macro lending_banks() %}
    {{- return(
        graph.get('sources', {}).values() | selectattr('name', 'equalto', 'loans') | map(attribute='source_name') | sort
    ) -}}
{% endmacro %}
