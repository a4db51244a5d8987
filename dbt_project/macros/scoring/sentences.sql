{#-
    Rows of scores with what is said of them, as a CTE list whose last is `explained`: uscc, the columns of `more`, indicator_code,
    points_lost, next_at, next_points and four sentences. `relation` has uscc, stage, indicator_code, value, segment, points,
    points_maximum, percentile, peers, is_counted. All that depends on the rules alone was worded once, in `sentences`.
-#}
{% macro explained_scores(relation, is_mean, more=[]) -%}
sentences as (
    select * from {{ ref('sentences') }}
),

worded as (
    select
        scored.*,
        sentences.head_zh,
        sentences.head_en,
        sentences.middle_zh,
        sentences.middle_en,
        sentences.tail_zh,
        sentences.tail_en,
        sentences.maximum_text,
        sentences.end_zh,
        sentences.end_en,
        sentences.uncounted_zh,
        sentences.uncounted_en,
        sentences.next_at,
        sentences.next_share,
        sentences.next_total,
        sentences.change_zh,
        sentences.change_en,
        coalesce({{ plain_number('scored.value') }}, '') as value_text,
        case when scored.segment > 0 then {{ plain_number('scored.points') }} end as points_text,
        {%- if is_mean %}
        cast(sentences.next_share * scored.points_maximum - scored.points as decimal(18, 6)) as next_points
        {%- else %}
        cast(sentences.next_total - scored.points as decimal(18, 6)) as next_points
        {%- endif %}
    from {{ relation }} as scored
    inner join sentences
        on
            scored.indicator_code = sentences.indicator_code
            and coalesce(scored.stage, '') = sentences.stage
            and scored.segment = sentences.segment
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
        case
            when segment > 0 and is_counted
                then concat(
                    head_{{ language }}, value_text, {{ peer_note(language) }}, middle_{{ language }}, points_text, tail_{{ language }},
                    {{ plain_number('points_maximum') if is_mean else 'maximum_text' }}, end_{{ language }}
                )
            else concat(head_{{ language }}, value_text, uncounted_{{ language }})
        end as reason_{{ language }},
        case
            when next_points > 0
                then concat(
                    {{ "'若由 '" if language == 'zh' else "'From '" }},
                    case when peers is null then value_text else {{ plain_number('percentile') }} end,
                    change_{{ language }}, {{ plain_number('next_points') }}, {{ "' 分。'" if language == 'zh' else "' points more.'" }}
                )
            when segment < 0 then change_{{ language }}
        end as change_{{ language }} {{- ',' if not loop.last }}
        {%- endfor %}
    from worded
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
