-- The facts that conditions test, in rows: of every enterprise, and of every case of an item (numbers below 0). A
-- number, a text, or neither where it is not known; `since` is the day from which months are counted.
{%- set numbers, texts, months = [], [], [] %}
{%- for column in adapter.get_columns_in_relation(ref('enterprise_facts')) if column.name not in ['uscc', 'enterprise_id'] %}
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

scores as (
    select * from {{ ref('scores') }}
),

segments as (
    select * from {{ ref('segments') }}
),

asked as (
    select fact from {{ ref('programme_conditions') }}
    union
    select fact from {{ ref('reward_orders') }}
    union
    select fact from {{ ref('product_uplifts') }}
    union
    select fact from {{ ref('product_prices') }}
    union
    select basis from {{ ref('products') }}
    where basis is not null
    union
    select fact from {{ ref('credit_bands') }}
),

known as (
    select * from {{ ref('programme_facts') }}
),

cases as (
    select
        {{ case_subject('cases') }} as subject_id,
        cases.facts as statements
    from {{ ref('programme_cases') }} as cases
),

numbers as (
    select
        enterprise_id as subject_id,
        fact,
        number,
        cast(null as varchar) as text,
        cast(null as date) as since
    from wide
    unpivot include nulls (number for fact in ({{ numbers | join(', ') }}))
),

months as (
    select
        enterprise_id as subject_id,
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
        enterprise_id as subject_id,
        fact,
        cast(null as decimal(20, 6)) as number,
        text,
        cast(null as date) as since
    from wide
    unpivot include nulls (text for fact in ({{ texts | join(', ') }}))
),

asked_segments as (
    select
        segments.segment_id,
        segments.indicator_code
    from segments
    inner join asked on segments.indicator_code = asked.fact
),

indicators as (
    select
        scores.enterprise_id as subject_id,
        asked_segments.indicator_code as fact,
        cast(scores.value as decimal(20, 6)) as number,
        cast(null as varchar) as text,
        cast(null as date) as since
    from scores
    inner join asked_segments on scores.segment_id = asked_segments.segment_id
),

stated as (
    select
        subject_id,
        {{ split_rows('statements', ';') }} as statement
    from cases
),

split as (
    select
        subject_id,
        trim(split_part(statement, '=', 1)) as fact,
        trim(split_part(statement, '=', 2)) as text
    from stated
),

of_cases as (
    select
        cases.subject_id,
        asked.fact,
        case when coalesce(known.kind, 'number') <> 'text' then cast(split.text as decimal(20, 6)) end as number,
        case when known.kind = 'text' then split.text end as text,
        cast(null as date) as since
    from cases
    cross join asked
    left join split on cases.subject_id = split.subject_id and asked.fact = split.fact
    left join known on asked.fact = known.fact
),

-- An indicator that the rule set in force does not have is not known for any enterprise.
unmeasured as (
    select
        wide.enterprise_id as subject_id,
        asked.fact,
        cast(null as decimal(20, 6)) as number,
        cast(null as varchar) as text,
        cast(null as date) as since
    from asked
    cross join wide
    where
        asked.fact not in ('{{ (numbers + months + texts) | join("', '") }}')
        and asked.fact not in (select measured.indicator_code from {{ ref('indicators') }} as measured)
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
    select * from unmeasured
),

-- Facts that no condition, limit, price or order uses are left out.
wanted as (
    select united.*
    from united
    inner join asked on united.fact = asked.fact
    union all
    select * from of_cases
)

select * from wanted
