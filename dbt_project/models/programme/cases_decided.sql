-- What each item decides for the cases that it ships, beside what it must decide.
with cases as (
    select
        cases.*,
        {{ case_subject('cases') }} as subject
    from {{ ref('programme_cases') }} as cases
),

decisions as (
    select * from {{ ref('decisions') }}
),

limits as (
    select * from {{ ref('limits') }}
),

compared as (
    select
        cases.kind,
        cases.item_id,
        cases.version,
        cases.case_no,
        cases.expected,
        decisions.decision,
        decisions.failing_en,
        {{ to_fen('cases.limit_cny') }} as expected_limit_fen,
        limits.limit_fen
    from cases
    left join decisions
        on
            cases.subject = decisions.subject
            and cases.kind = decisions.kind
            and cases.item_id = decisions.item_id
            and cases.version = decisions.version
    left join limits
        on cases.subject = limits.subject and cases.item_id = limits.product_id and cases.version = limits.version
)

select * from compared
