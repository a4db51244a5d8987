{%- set carried_columns = ['learned_on', 'raw_sha256', 'raw_position'] -%}
with scopes as (
    {{ landed('science', 'business_scopes') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

-- A branch's business is its legal person's; the same subclass declared twice is one.
declared as (
    select
        {% for column in carried_columns %}
            {{ latest_value('scopes.' ~ column, ['scopes.uscc', 'scopes.ipc_subclass'], 'true') }} as {{ column }},
        {% endfor %}
        coalesce(redirected.uscc, scopes.uscc) as uscc,
        upper(trim(scopes.ipc_subclass)) as ipc_subclass,
        max(scopes.uscc) as declared_under
    from scopes
    left join redirected on scopes.uscc = redirected.code
    group by coalesce(redirected.uscc, scopes.uscc), upper(trim(scopes.ipc_subclass))
)

select * from declared
