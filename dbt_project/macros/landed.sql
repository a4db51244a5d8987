{#-
    The valid records of a dataset, typed and named by its source YAML: of an upsert the one of each key that landed last,
    without those that were deleted. Landing has left out every change that came late, so no time stamp is compared here: one
    that lies ahead would hide every later correction. Beside them where each came from: learned_on, raw_sha256, raw_position.
-#}
{% macro landed(source_name, dataset) -%}
    {%- set relation = source(source_name, dataset) -%}
    {#- In a unit test the graph holds no sources: the rows given are the valid records. -#}
    {%- set meta = graph.get('sources', {}).get('source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ dataset, {}).get('config', {}).get('meta', {}) -%}
    select
        *,
        _learned_on as learned_on,
        _raw_sha256 as raw_sha256,
        _position as raw_position
    {% if meta.load == 'upsert' -%}
        from (
            select
                *,
                row_number() over (
                    partition by {{ meta.key | join(', ') }}
                    order by
                        _learned_on desc,
                        _batch desc,
                        _position desc
                ) as newest_rank
            from {{ relation }}
        ) as ranked
        where newest_rank = 1 and not coalesce(_deleted, false)
    {%- else -%}
        from {{ relation }}
    {%- endif %}
{%- endmacro %}
