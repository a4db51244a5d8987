-- What the conditions of each item come to: all of its alternatives must hold. Where some do not, and each of them is near,
-- it is a near miss. A fact that is not known fulfils nothing.
with tried as (
    select * from {{ ref('conditions_tried') }}
),

of_alternatives as (
    select
        subject,
        kind,
        item_id,
        version,
        alternatives,
        min(condition_no) as condition_no,
        max(case when holds then 1 else 0 end) as holds,
        max(case when is_near then 1 else 0 end) as is_near,
        max(case when holds is null then 1 else 0 end) as is_not_known
    from tried
    group by subject, kind, item_id, version, alternatives
),

of_items as (
    select
        subject,
        kind,
        item_id,
        version,
        count(*) as conditions,
        cast(sum(holds) as bigint) as conditions_met,
        min(holds) as all_hold,
        min(greatest(holds, is_near)) as all_hold_or_near,
        min(case when holds = 0 then condition_no end) as failing_condition_no,
        cast(sum(case when holds = 0 and is_not_known = 1 then 1 else 0 end) as bigint) as conditions_not_known
    from of_alternatives
    group by subject, kind, item_id, version
),

decided as (
    select
        of_items.subject,
        of_items.kind,
        of_items.item_id,
        of_items.version,
        case
            when of_items.all_hold = 1 then 'eligible'
            when of_items.all_hold_or_near = 1 then 'near_miss'
            else 'no'
        end as decision,
        of_items.conditions,
        of_items.conditions_met,
        of_items.conditions_not_known,
        of_items.failing_condition_no,
        tried.text_zh as failing_zh,
        tried.text_en as failing_en,
        tried.fact as failing_fact,
        tried.number as failing_number,
        tried.text as failing_text,
        tried.gap,
        tried.closes_on
    from of_items
    left join tried
        on
            of_items.subject = tried.subject
            and of_items.kind = tried.kind
            and of_items.item_id = tried.item_id
            and of_items.version = tried.version
            and of_items.failing_condition_no = tried.condition_no
)

select * from decided
