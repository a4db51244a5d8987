with landed as (
    select * from {{ source('pipeline', 'identity_decisions') }}
),

-- A later decision about the same identifier replaces the earlier one from its day; what was decided after the business date is
-- not laid out at all.
newest as (
    select
        source,
        dataset,
        identifier,
        {{ latest_value('uscc', 'decided_on', 'true') }} as uscc,
        -- A name or an agency's own number may mean another enterprise in each dataset; a code means the same in all.
        source || '.' || dataset in (
            ''
            {%- for one in columns_that_say_who(['code']) -%}
                , '{{ one.dataset.source_name }}.{{ one.dataset.name }}'
            {%- endfor %}
        ) as is_of_code
    from landed
    group by source, dataset, identifier
)

select * from newest
