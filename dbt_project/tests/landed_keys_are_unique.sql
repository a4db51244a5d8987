-- Guards: what landed has one record for each key that its source YAML declares, and no part of a key is null.
-- Why: a record that came twice counts twice, wherever it is counted.
with keys as (
    {% for dataset in (graph.sources.values() if execute else []) | rejectattr('source_name', 'equalto', 'pipeline') %}
        {%- set key = dataset.config.meta.key %}
        select
            '{{ dataset.source_name }}.{{ dataset.name }}' as dataset,
            concat_ws('|', {{ key | join(', ') }}) as record_key
        from ({{ landed(dataset.source_name, dataset.name) }}) as standing
        group by {{ key | join(', ') }}
        having count(*) > 1 or {{ key | join(' is null or ') }} is null
        union all
    {% endfor %}
    select
        cast(null as varchar) as dataset,
        cast(null as varchar) as record_key
    where false
)

select * from keys
