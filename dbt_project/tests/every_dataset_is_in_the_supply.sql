-- Guards: the supply table has every dataset that a source YAML declares.
-- Why: the meaning of a missing record is read from it. A dataset without a row would turn real zeros into "not supplied"
-- unnoticed.
with supply as (
    select * from {{ ref('supply') }}
),

declared as (
    {% for dataset in (graph.sources.values() if execute else []) | rejectattr('source_name', 'equalto', 'pipeline') %}
        select
            '{{ dataset.source_name }}' as source,
            '{{ dataset.name }}' as dataset
        union all
    {% endfor %}
    select
        cast(null as varchar) as source,
        cast(null as varchar) as dataset
    where false
),

unspoken_of as (
    select declared.*
    from declared
    left join supply on declared.source = supply.source and declared.dataset = supply.dataset
    where supply.source is null
)

select * from unspoken_of
