{#- Whole months from one day to a later one. A month ends on the same day of the next, or on its last day where it has none. -#}
{% macro whole_months(from_day, to_day) -%}
    (extract(year from {{ to_day }}) - extract(year from {{ from_day }})) * 12
            + (extract(month from {{ to_day }}) - extract(month from {{ from_day }}))
            - case
                when extract(day from {{ to_day }}) < extract(day from {{ from_day }})
                    and {{ to_day }} <> {{ dbt.last_day(to_day, 'month') }}
                    then 1
                else 0
            end
{%- endmacro %}
