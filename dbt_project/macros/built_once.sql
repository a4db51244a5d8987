{#-
    How DuckDB makes the tables and views of a candidate, in place of dbt's own way: a candidate is a file that was empty, so
    nothing has to stand under another name until the new table is whole. That is three statements a model in place of seven,
    and a tenth of a small night. Of a model's configuration it knows no hooks, grants and indexes: none has any.
-#}
{% materialization table, adapter="duckdb" %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- call statement("main") -%}
        {{- create_table_as(False, relation, compiled_code, 'sql') -}}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{- return({'relations': [relation]}) -}}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {%- set relation = this.incorporate(type='view') -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- call statement("main") -%}
        {{- create_view_as(relation, compiled_code) -}}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{- return({'relations': [relation]}) -}}
{% endmaterialization %}
