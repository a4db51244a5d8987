-- The decision of each item for its own cases, beside the decision that is expected.
with cases as (
    select
        cases.*,
        {{ case_subject('cases') }} as subject_id
    from {{ ref('programme_cases') }} as cases
),

decisions as (
    select * from {{ ref('decisions') }}
),

limits as (
    select * from {{ ref('limits') }}
),

items as (
    select * from {{ ref('item_versions') }}
),

conditions as (
    select * from {{ ref('conditions_asked') }}
),

compared as (
    select
        cases.kind,
        cases.item_id,
        cases.version,
        cases.case_no,
        cases.expected,
        decisions.decision,
        conditions.text_en as failing_en,
        {{ to_fen('cases.limit_cny') }} as expected_limit_fen,
        limits.limit_fen
    from cases
    left join items on cases.kind = items.kind and cases.item_id = items.item_id and cases.version = items.version
    left join decisions on cases.subject_id = decisions.subject_id and items.item_no = decisions.item_no
    left join limits on cases.subject_id = limits.subject_id and items.item_no = limits.item_no
    left join conditions
        on decisions.item_no = conditions.item_no and decisions.failing_condition_no = conditions.condition_no
)

select * from compared
