{#- An invention held may count twice, and so may a person: as what it is, and as one of the better among them. -#}
with patents as (
    select
        *,
        cast(record_no as varchar) as record_ref
    from {{ ref('int_patents__held') }}
),

persons as (
    select
        *,
        -- By its place in the raw file, never by the person: a hash of somebody is still somebody's.
        unit_no || '|' || substr(raw_sha256, 1, 12) || '|' || cast(raw_position as varchar) as record_ref
    from {{ ref('int_persons__listed') }}
),

used as (
    {% for code, condition in [('L11', 'true'), ('L12', 'patents.high_value_basis is not null')] %}
        select
            patents.uscc,
            '{{ code }}' as indicator_code,
            {{ counted_record(
                'patents', 'patent', 'applications', 'patents.record_ref', 'patents.granted_on',
                level='patents.high_value_basis'
            ) }}
        from patents
        where {{ condition }}
        union all
    {% endfor %}
    {% for code, condition in [('L03', 'persons.is_doctor = 1'), ('L04', 'persons.is_senior = 1')] %}
        select
            persons.uscc,
            '{{ code }}' as indicator_code,
            {{ counted_record('persons', 'talent', 'persons', 'persons.record_ref', 'persons.month') }}
        from persons
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from used
