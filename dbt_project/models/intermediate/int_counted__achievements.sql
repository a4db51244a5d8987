{%- set lineage = ['granted_on', 'high_value_basis', 'learned_on', 'raw_sha256', 'raw_position'] -%}
with applications as (
    {{ landed('patent', 'applications') }}
),

registrations as (
    {{ landed('patent', 'software_and_layouts') }}
),

standards as (
    {{ landed('science', 'standards') }}
),

products as (
    {{ landed('science', 'recognised_products') }}
),

titles as (
    {{ landed('science', 'titles') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where uscc is not null
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

levels as (
    select * from {{ ref('levels') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- Of one published several times any record may say that it lapsed, and the last transfer counts: the office also changes the
-- legal status on old records.
published as (
    select
        applications.*,
        max(case when applications.lapsed_on <= in_force.as_of then 1 else 0 end)
            over (partition by applications.application_no) as has_lapsed,
        max(case when applications.transfer_recorded_on <= in_force.as_of then applications.transfer_recorded_on end)
            over (partition by applications.application_no) as transferred_on
    from applications
    cross join in_force
    where applications.patent_type = '发明'
),

valid_patents as (
    select
        published.*,
        cast(published.record_no as varchar) as record_ref,
        -- A transfer counts from the day it is recorded; until then the patent is its applicants'.
        case when published.transferred_on is null then 'applications' else 'applications_transferred' end as holders
    from published
    inner join in_force on published.granted_on <= in_force.as_of
    where
        published.has_lapsed = 0
        and (published.transferred_on is null or published.transfer_recorded_on = published.transferred_on)
),

-- Each enterprise that holds it counts a patent once, whether published twice or named twice among the applicants.
held as (
    select
        mentions.uscc,
        valid_patents.application_no,
        {% for column in lineage %}
            {{ latest_value('valid_patents.' ~ column, 'valid_patents.record_no', 'true') }} as {{ column }},
        {% endfor %}
        cast(max(valid_patents.record_no) as varchar) as record_ref
    from valid_patents
    inner join mentions
        on
            mentions.source = 'patent'
            and valid_patents.holders = mentions.dataset
            and valid_patents.record_ref = mentions.record_ref
    group by mentions.uscc, valid_patents.application_no
),

-- An enterprise named twice among the owners or the drafters, by an old and a new name, has it once.
owners as (
    select distinct
        record_ref,
        uscc
    from mentions
    where source = 'patent' and dataset = 'software_and_layouts'
),

registered as (
    select
        owners.uscc,
        'L13' as indicator_code,
        {{ counted_record(
            'registrations', 'patent', 'software_and_layouts', 'registrations.registration_no',
            'registrations.registered_on', level='registrations.kind'
        ) }}
    from registrations
    inner join in_force on registrations.registered_on <= in_force.as_of
    inner join owners on cast(registrations.record_no as varchar) = owners.record_ref
),

drafters as (
    select
        standards.standard_no,
        mentions.uscc,
        min(standards.drafter_name) as drafter_name
    from standards
    inner join mentions
        on
            mentions.source = 'science'
            and mentions.dataset = 'standards'
            and standards.standard_no || '|' || standards.drafter_name = mentions.record_ref
    group by standards.standard_no, mentions.uscc
),

drafted as (
    select
        drafters.uscc,
        'L14' as indicator_code,
        {{ counted_record(
            'standards', 'science', 'standards', "standards.standard_no || '|' || standards.drafter_name",
            'standards.published_on', quantity='levels.quantity', level='standards.level'
        ) }}
    from standards
    inner join in_force
        on
            standards.published_on <= in_force.as_of
            and (standards.withdrawn_on is null or standards.withdrawn_on > in_force.as_of)
    inner join drafters
        on standards.standard_no = drafters.standard_no and standards.drafter_name = drafters.drafter_name
    left join levels on levels.indicator_code = 'L14' and standards.level = levels.level
),

recognised as (
    select
        coalesce(redirected.uscc, products.uscc) as uscc,
        'L15' as indicator_code,
        {{ counted_record(
            'products', 'science', 'recognised_products', 'products.product_no', 'products.recognised_on',
            level='products.kind'
        ) }}
    from products
    inner join in_force
        on
            products.recognised_on <= in_force.as_of
            and (products.valid_to is null or products.valid_to >= in_force.as_of)
    left join redirected on products.uscc = redirected.code
),

titled as (
    select
        coalesce(redirected.uscc, titles.uscc) as uscc,
        'L16' as indicator_code,
        {{ counted_record(
            'titles', 'science', 'titles', 'titles.certificate_no', 'titles.issued_on',
            quantity='levels.quantity', level='titles.title'
        ) }}
    from titles
    inner join in_force
        on
            titles.issued_on <= in_force.as_of
            and (titles.valid_to is null or titles.valid_to >= in_force.as_of)
            and (titles.revoked_on is null or titles.revoked_on > in_force.as_of)
    left join levels on levels.indicator_code = 'L16' and titles.title = levels.level
    left join redirected on titles.uscc = redirected.code
),

counted as (
    {#- An invention held may count twice: as what it is, and as one of high value. -#}
    {% for code, condition in [('L11', 'true'), ('L12', 'held.high_value_basis is not null')] %}
        select
            held.uscc,
            '{{ code }}' as indicator_code,
            {{ counted_record(
                'held', 'patent', 'applications', 'held.record_ref', 'held.granted_on', level='held.high_value_basis'
            ) }}
        from held
        where {{ condition }}
        union all
    {% endfor %}
    select * from registered
    union all
    select * from drafted
    union all
    select * from recognised
    union all
    select * from titled
)

select * from counted
