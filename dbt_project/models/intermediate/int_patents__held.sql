{%- set lineage = ['granted_on', 'high_value_basis', 'learned_on', 'raw_sha256', 'raw_position'] -%}
with applications as (
    {{ landed('patent', 'applications') }}
),

mentions as (
    select * from {{ ref('int_mentions__resolved') }}
    where source = 'patent' and uscc is not null
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

valid as (
    select
        applications.*,
        cast(applications.record_no as varchar) as record_ref,
        -- A transfer counts from the day it is recorded; until then the patent is its applicants'.
        case
            when applications.transfer_recorded_on <= in_force.as_of then 'applications_transferred'
            else 'applications'
        end as holders
    from applications
    inner join in_force
        on
            applications.granted_on <= in_force.as_of
            and (applications.lapsed_on is null or applications.lapsed_on > in_force.as_of)
    where applications.patent_type = '发明'
),

-- Each enterprise that holds it counts a patent once, whether published twice or named twice among the applicants.
held as (
    select
        mentions.uscc,
        valid.application_no,
        {% for column in lineage %}
            {{ latest_value('valid.' ~ column, 'valid.record_no', 'true') }} as {{ column }},
        {% endfor %}
        max(valid.record_no) as record_no
    from valid
    inner join mentions on valid.record_ref = mentions.record_ref and valid.holders = mentions.dataset
    group by mentions.uscc, valid.application_no
)

select * from held
