with resolved as (
    select * from {{ ref('int_codes__resolved') }}
),

decisions as (
    select * from {{ ref('stg_pipeline__identity_decisions') }}
),

codes as (
    {{ codes_sent() }}
),

unknown_codes as (
    select codes.*
    from codes
    left join resolved on codes.identifier = resolved.code
    left join decisions
        on
            codes.source = decisions.source
            and codes.dataset = decisions.dataset
            and codes.identifier = decisions.identifier
            and decisions.uscc is null
    where resolved.code is null and decisions.identifier is null
)

select * from unknown_codes
