{#-
    The days from one day up to another, which is not counted itself, in months of 30 days (30E/360: the 31st is the 30th). The
    days of parts add up to those of the whole.
-#}
{% macro days_of_thirty(from_day, until_day) -%}
    360 * (extract(year from {{ until_day }}) - extract(year from {{ from_day }}))
                    + 30 * (extract(month from {{ until_day }}) - extract(month from {{ from_day }}))
                    + least(extract(day from {{ until_day }}), 30)
                    - least(extract(day from {{ from_day }}), 30)
{%- endmacro %}
