-- Products, policies and rewards as one list: the subjects of conditions and cases. Each version has a number, by which
-- millions of decisions are joined and kept.
with in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

items as (
    {% for kind, seed in [('product', 'products'), ('policy', 'policies'), ('reward', 'rewards')] %}
        select
            '{{ kind }}' as kind,
            {{ kind }}_id as item_id,
            version,
            name_zh,
            name_en,
            valid_from,
            valid_to
        from {{ ref(seed) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

dated as (
    select
        cast(row_number() over (order by items.kind, items.item_id, items.version) as integer) as item_no,
        items.*,
        items.valid_from <= in_force.as_of and (items.valid_to is null or items.valid_to >= in_force.as_of) as is_in_force
    from items
    cross join in_force
)

select * from dated
