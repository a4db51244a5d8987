-- Guards: the supply table speaks of every dataset that a source YAML declares.
-- Why: what the absence of a record means is read from it. A dataset it does not name would turn real zeros into "not
-- supplied" without a word.
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
