{#-
    What the absence of any counted record of an enterprise means for a count or a sum: 0 where the dataset was supplied and
    covers all enterprises, null (not known) where it was not supplied, covers only some, or a record that landing refused may
    be this enterprise's. Needs an import CTE `supply` and a relation `enterprises` in the same select.
-#}
{% macro absent_means(source_name, dataset) -%}
    case
        when enterprises.uscc not in (
            select refused.uscc
            from {{ ref('int_refusals__resolved') }} as refused
            where refused.source = '{{ source_name }}' and refused.dataset = '{{ dataset }}'
        )
            then (
                select min(case when supply.is_supplied and supply.coverage = 'full' then 0 end)
                from supply
                where supply.source = '{{ source_name }}' and supply.dataset = '{{ dataset }}'
            )
    end
{%- endmacro %}
