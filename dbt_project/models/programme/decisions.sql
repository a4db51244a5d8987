-- What the conditions of each item come to: all of its alternatives must hold. Where some do not, and each of them is near,
-- it is a near miss. A fact that is not known fulfils nothing.
with judged as (
    select * from {{ ref('conditions_judged') }}
),

conditions as (
    select * from {{ ref('conditions_asked') }}
),

items as (
    select distinct
        item_no,
        kind,
        item_id,
        version
    from conditions
),

-- Most conditions stand alone, and are not grouped.
of_alternatives as (
    select
        subject,
        item_no,
        condition_no,
        case when holds then 1 else 0 end as holds,
        case when is_near then 1 else 0 end as is_near,
        case when holds is null then 1 else 0 end as is_not_known
    from judged
    where not has_alternatives
    union all
    select
        subject,
        item_no,
        alternatives_no as condition_no,
        max(case when holds then 1 else 0 end) as holds,
        max(case when is_near then 1 else 0 end) as is_near,
        max(case when holds is null then 1 else 0 end) as is_not_known
    from judged
    where has_alternatives
    group by subject, item_no, alternatives_no
),

of_items as (
    select
        subject,
        item_no,
        count(*) as conditions,
        cast(sum(holds) as bigint) as conditions_met,
        min(holds) as all_hold,
        min(greatest(holds, is_near)) as all_hold_or_near,
        min(case when holds = 0 then condition_no end) as failing_condition_no,
        cast(sum(case when holds = 0 and is_not_known = 1 then 1 else 0 end) as bigint) as conditions_not_known
    from of_alternatives
    group by subject, item_no
),

failed as (
    select * from judged
    where holds is not true
),

decided as (
    select
        of_items.subject,
        items.kind,
        items.item_id,
        items.version,
        case
            when of_items.all_hold = 1 then 'eligible'
            when of_items.all_hold_or_near = 1 then 'near_miss'
            else 'no'
        end as decision,
        of_items.conditions,
        of_items.conditions_met,
        of_items.conditions_not_known,
        of_items.failing_condition_no,
        conditions.text_zh as failing_zh,
        conditions.text_en as failing_en,
        conditions.fact as failing_fact,
        failed.number as failing_number,
        failed.text as failing_text,
        failed.gap,
        failed.closes_on
    from of_items
    inner join items on of_items.item_no = items.item_no
    left join failed
        on
            of_items.subject = failed.subject
            and of_items.item_no = failed.item_no
            and of_items.failing_condition_no = failed.condition_no
    left join conditions
        on of_items.item_no = conditions.item_no and of_items.failing_condition_no = conditions.condition_no
)

select * from decided
