-- The facts that conditions ask for, in rows: of every enterprise, and of every case that an item ships (`case:…`). A number, a
-- text, or neither where it is not known; `since` is the day from which months are counted.
{%- set numbers, texts, months = [], [], [] %}
{%- for column in adapter.get_columns_in_relation(ref('enterprise_facts')) if column.name not in ['uscc', 'subject'] %}
    {%- if column.name.endswith('_since') %}
        {%- do months.append(column.name[:-6]) %}
    {%- elif column.is_string() %}
        {%- do texts.append(column.name) %}
    {%- else %}
        {%- do numbers.append(column.name) %}
    {%- endif %}
{%- endfor %}
{%- set numbers = numbers | reject('in', months) | list %}
with wide as (
    select * from {{ ref('enterprise_facts') }}
),

points as (
    select * from {{ ref('points') }}
),

asked as (
    select distinct fact from {{ ref('programme_conditions') }}
    union
    select distinct fact from {{ ref('reward_orders') }}
    union
    select distinct fact from {{ ref('product_uplifts') }}
    union
    select distinct fact from {{ ref('product_prices') }}
    union
    select distinct basis from {{ ref('products') }}
    union
    select distinct fact from {{ ref('credit_bands') }}
),

cases as (
    select * from {{ ref('programme_cases') }}
),

numbers as (
    select
        subject,
        fact,
        number,
        cast(null as varchar) as text,
        cast(null as date) as since
    from wide
    unpivot include nulls (number for fact in ({{ numbers | join(', ') }}))
),

months as (
    select
        subject,
        fact,
        number,
        cast(null as varchar) as text,
        since
    from wide
    unpivot include nulls (
        (number, since) for fact in (
            {%- for month in months %}
            ({{ month }}, {{ month }}_since) as '{{ month }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
),

texts as (
    select
        subject,
        fact,
        cast(null as decimal(20, 6)) as number,
        text,
        cast(null as date) as since
    from wide
    unpivot include nulls (text for fact in ({{ texts | join(', ') }}))
),

indicators as (
    select
        uscc as subject,
        indicator_code as fact,
        cast(value as decimal(20, 6)) as number,
        cast(null as varchar) as text,
        cast(null as date) as since
    from points
),

named as (
    select
        {{ case_subject('cases') }} as subject,
        cases.facts as statements
    from cases
),

stated as (
    select
        subject,
        {{ split_rows('statements', ';') }} as statement
    from named
),

split as (
    select
        subject,
        trim(split_part(statement, '=', 1)) as fact,
        trim(split_part(statement, '=', 2)) as text
    from stated
),

of_cases as (
    select
        split.subject,
        split.fact,
        case when coalesce(known.kind, 'number') <> 'text' then cast(split.text as decimal(20, 6)) end as number,
        case when known.kind = 'text' then split.text end as text,
        cast(null as date) as since
    from split
    left join {{ ref('programme_facts') }} as known on split.fact = known.fact
),

united as (
    select * from numbers
    union all
    select * from months
    union all
    select * from texts
    union all
    select * from indicators
    union all
    select * from of_cases
),

-- What nothing asks for is not carried along; a fact that is not known has no row.
wanted as (
    select united.*
    from united
    inner join asked on united.fact = asked.fact
    where united.number is not null or united.text is not null
)

select * from wanted
