with sent as (
    {% for one in columns_that_say_who(['code', 'number']) %}
        select
            '{{ one.dataset.source_name }}' as source,
            '{{ one.dataset.name }}' as dataset,
            '{{ one.kind }}' as kind,
            {{ one.column.name }} as record_ref,
            {{ one.column.name }} as identifier,
            cast(null as date) as mentioned_on,
            count(*) as record_count
        from ({{ landed(one.dataset.source_name, one.dataset.name) }}) as standing
        where {{ one.column.name }} is not null
        group by {{ one.column.name }}
        union all
    {% endfor %}
    -- Several enterprises of one record may stand in one text; each of them is a mention. A second name of a record counts from
    -- its own day: a transfer without a day was never recorded. A record that is sent again each period is one mention, by the
    -- day of the newest.
    {% for one in columns_that_say_who(['name']) %}
        {%- set meta = one.dataset.config.meta -%}
        {%- set ref = meta.record_ref or meta.key -%}
        {%- set named_on = one.column.meta.named_on -%}
        select
            '{{ one.dataset.source_name }}' as source,
            '{{ one.column.meta.named_as or one.dataset.name }}' as dataset,
            'name' as kind,
            record_ref,
            identifier,
            {% if meta.record_ref -%}
                {{ latest_value('mentioned_on', meta.key | reject('in', ref) | list, 'true') }}
            {%- else -%}
                mentioned_on
            {%- endif %} as mentioned_on,
            cast(1 as bigint) as record_count
        from (
            select
                *,
                {% for column in ref -%}
                    cast({{ column }} as varchar){{ " || '|' || " if not loop.last }}
                {%- endfor %} as record_ref,
                {{ split_rows("replace(" ~ one.column.name ~ ", '；', ';')", ';') }} as identifier,
                cast({{ named_on or 'null' }} as date) as mentioned_on
            from ({{ landed(one.dataset.source_name, one.dataset.name) }}) as standing
            where
                {{ one.column.name }} is not null
                {% for column in one.unless %}and {{ column.name }} is null{% endfor %}
                {% if one.column.meta.named_as %}and {{ named_on }} is not null{% endif %}
        ) as named
        where {{ has_key('identifier') }}
        {% if meta.record_ref %}group by record_ref, identifier{% endif %}
        union all
    {% endfor %}
    select
        cast(null as varchar) as source,
        cast(null as varchar) as dataset,
        cast(null as varchar) as kind,
        cast(null as varchar) as record_ref,
        cast(null as varchar) as identifier,
        cast(null as date) as mentioned_on,
        cast(null as bigint) as record_count
    where false
)

select * from sent
