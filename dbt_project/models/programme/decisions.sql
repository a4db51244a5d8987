-- The decision of each item for each enterprise where the item is in force, and for the item's own cases: all conditions must
-- hold, of alternatives one. Where some fail, and each of them is near, it is a near miss. A fact that is not known meets no
-- condition.
with conditions as (
    select * from {{ ref('conditions_asked') }}
),

shortfalls as (
    select * from {{ ref('shortfalls') }}
),

items as (
    select
        versions.item_no,
        versions.kind,
        versions.item_id,
        versions.version,
        versions.is_in_force,
        count(distinct conditions.alternatives_no) as conditions
    from {{ ref('item_versions') }} as versions
    inner join conditions on versions.item_no = conditions.item_no
    group by versions.item_no, versions.kind, versions.item_id, versions.version, versions.is_in_force
),

cases as (
    select
        cases.*,
        {{ case_subject('cases') }} as subject_id
    from {{ ref('programme_cases') }} as cases
),

subjects as (
    select
        enterprises.enterprise_id as subject_id,
        items.item_no,
        items.conditions
    from items
    cross join {{ ref('enterprise_facts') }} as enterprises
    where items.is_in_force
    union all
    select
        cases.subject_id,
        items.item_no,
        items.conditions
    from cases
    inner join items
        on cases.kind = items.kind and cases.item_id = items.item_id and cases.version = items.version
),

failed as (
    select
        shortfalls.subject_id,
        conditions.item_no,
        conditions.condition_no,
        conditions.alternatives_no,
        conditions.alternatives,
        shortfalls.gap,
        shortfalls.closes_on,
        case when shortfalls.gap <= conditions.near then 1 else 0 end as is_near,
        case when shortfalls.is_not_known then 1 else 0 end as is_not_known
    from shortfalls
    inner join conditions on shortfalls.question_no = conditions.question_no
),

-- Most conditions have no alternative and are not grouped; of alternatives all must have failed, and the first is shown.
failed_alternatives as (
    select
        subject_id,
        item_no,
        alternatives_no,
        gap,
        closes_on,
        is_near,
        is_not_known
    from failed
    where alternatives = 1
    union all
    select
        subject_id,
        item_no,
        alternatives_no,
        max(case when condition_no = alternatives_no then gap end) as gap,
        max(case when condition_no = alternatives_no then closes_on end) as closes_on,
        max(is_near) as is_near,
        max(is_not_known) as is_not_known
    from failed
    where alternatives > 1
    group by subject_id, item_no, alternatives_no, alternatives
    having count(*) = alternatives
),

failed_items as (
    select
        subject_id,
        item_no,
        cast(count(*) as integer) as failed,
        min(is_near) as are_all_near,
        cast(sum(is_not_known) as integer) as conditions_not_known,
        min(alternatives_no) as failing_condition_no,
        {{ latest_value('gap', '-alternatives_no', 'true') }} as gap,
        {{ latest_value('closes_on', '-alternatives_no', 'true') }} as closes_on
    from failed_alternatives
    group by subject_id, item_no
),

decided as (
    select
        subjects.subject_id,
        subjects.item_no,
        case
            when failed_items.item_no is null then 'eligible'
            when failed_items.are_all_near = 1 then 'near_miss'
            else 'no'
        end as decision,
        subjects.conditions,
        subjects.conditions - coalesce(failed_items.failed, 0) as conditions_met,
        cast(coalesce(failed_items.conditions_not_known, 0) as bigint) as conditions_not_known,
        failed_items.failing_condition_no,
        failed_items.gap,
        failed_items.closes_on
    from subjects
    left join failed_items on subjects.subject_id = failed_items.subject_id and subjects.item_no = failed_items.item_no
)

select * from decided
