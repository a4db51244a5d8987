{#-
    Rows of scores with what is said of them, as a CTE list whose last is `explained`: uscc, the columns of `more`, indicator_code,
    points_lost, next_at, next_points and four sentences. `relation` has uscc, value, line, percentile, peers, own_maximum (of
    a weighted mean, else null), is_counted, and own_points, or points_lost where it `knows_loss`. All that depends on the rules alone was
    worded once, in `score_lines`.
-#}
{% macro explained_scores(relation, is_mean, more=[], knows_loss=false) -%}
score_lines as (
    select * from {{ ref('score_lines') }}
),

{%- set maximum = 'scored.own_maximum' if is_mean else 'score_lines.points_maximum' %}

worded as (
    select
        scored.*,
        score_lines.indicator_code,
        score_lines.segment,
        {%- for column in ['head_zh', 'head_en', 'middle_zh', 'middle_en', 'tail_zh', 'tail_en', 'maximum_text', 'end_zh', 'end_en', 'uncounted_zh', 'uncounted_en', 'value_name_zh', 'value_name_en', 'next_at', 'change_zh', 'change_en'] %}
        score_lines.{{ column }},
        {%- endfor %}
        {{ maximum }} as points_maximum,
        {%- if knows_loss %}
        cast({{ maximum }} - scored.points_lost as decimal(18, 6)) as points,
        {%- else %}
        scored.own_points as points,
        {%- endif %}
        case when score_lines.segment >= 0 then {{ plain_number('scored.value') }} else '' end as value_text,
        {%- if is_mean %}
        cast(cast(score_lines.next_share as decimal(38, 10)) * {{ maximum }} as decimal(18, 6)) as points_then
        {%- else %}
        score_lines.next_total as points_then
        {%- endif %}
    from {{ relation }} as scored
    inner join score_lines on scored.line = score_lines.line
),

promised as (
    select
        *,
        case when segment > 0 then {{ plain_number('points') }} end as points_text,
        cast(points_then - points as decimal(18, 6)) as next_points
    from worded
),

explained as (
    select
        uscc,
        {%- for column in more %}
        {{ column }},
        {%- endfor %}
        indicator_code,
        cast(case when is_counted then points_maximum - points else 0 end as decimal(18, 6)) as points_lost,
        case when next_points > 0 then next_at end as next_at,
        case when next_points > 0 then next_points end as next_points,
        {%- for language in ['zh', 'en'] %}
        {%- set value_said = 'coalesce(value_name_' ~ language ~ ', value_text)' %}
        case
            when segment > 0 and is_counted
                then concat(
                    head_{{ language }}, {{ value_said }}, {{ peer_note(language) }}, middle_{{ language }}, points_text, tail_{{ language }},
                    {{ plain_number('points_maximum') if is_mean else 'maximum_text' }}, end_{{ language }}
                )
            else concat(head_{{ language }}, {{ value_said }}, uncounted_{{ language }})
        end as reason_{{ language }},
        case
            when next_points > 0
                then concat(
                    {{ "'若由 '" if language == 'zh' else "'From '" }},
                    case when peers is null then {{ value_said }} else {{ plain_number('percentile') }} end,
                    change_{{ language }}, {{ plain_number('next_points') }}, {{ "' 分。'" if language == 'zh' else "' points more.'" }}
                )
            when segment < 0 then change_{{ language }}
        end as change_{{ language }} {{- ',' if not loop.last }}
        {%- endfor %}
    from promised
)
{%- endmacro %}

{#- Beside a value that is compared: the percentile and among how many. -#}
{% macro peer_note(language) -%}
    case
        when peers is null then ''
        {%- if language == 'zh' %}
        else concat('（', cast(peers as varchar), ' 家同类中第 ', {{ plain_number('percentile') }}, ' 百分位）')
        {%- else %}
        else concat(' (percentile ', {{ plain_number('percentile') }}, ' of ', cast(peers as varchar), ' peers)')
        {%- endif %}
    end
{%- endmacro %}
