-- One row per eligible enterprise and indicator: the columns of `measures` as rows (`measure` is the column's name, the code in
-- small letters), with the stage. Without a value `status` is the number of the reason (see `rulesets/segments`), else 0.
-- Next: `placed_values`.
{%- set measures = [] %}
{%- for column in adapter.get_columns_in_relation(ref('measures')) if column.name.endswith('_status') %}
    {%- do measures.append(column.name[:-7]) %}
{%- endfor %}
with measured as (
    select
        enterprises.enterprise_id,
        -- One that is not known is '', so that it can be joined by.
        coalesce(enterprises.stage, '') as stage,
        {%- if not measures %}
        {#- Upon empty tables no rule set is in force, and no indicator is measured. #}
        cast(null as decimal(18, 6)) as nothing,
        cast(null as tinyint) as nothing_status,
        {%- endif %}
        measures.*
    from {{ ref('measures') }} as measures
    inner join {{ ref('int_enterprises__staged') }} as enterprises on measures.uscc = enterprises.uscc
),

unpivoted as (
    select
        enterprise_id,
        stage,
        measure,
        value,
        status
    from measured
    unpivot include nulls (
        (value, status) for measure in (
            {%- for measure in measures or ['nothing'] %}
            ("{{ measure }}", "{{ measure }}_status") as "{{ measure }}"{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
)

select * from unpivoted
