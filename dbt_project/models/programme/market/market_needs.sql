with needs as (
    {{ landed('finance', 'needs') }}
),

parameters as (
    select * from {{ ref('market_parameters') }}
    where parameter = 'expiry_days'
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        needs.need_no,
        coalesce(redirected.uscc, needs.uscc) as uscc,
        needs.posted_on,
        {{ to_fen('needs.amount_cny') }} as amount_fen,
        needs.term_months,
        needs.highest_rate_pct,
        needs.collaterals,
        needs.used_for,
        needs.consented_banks,
        coalesce(needs.is_contact_consented, false) as is_contact_consented,
        cast({{ dbt.dateadd('day', 'cast(parameters.value as integer)', 'needs.posted_on') }} as date) as last_day,
        in_force.as_of
    from needs
    inner join in_force on needs.posted_on <= in_force.as_of
    left join redirected on needs.uscc = redirected.code
    left join parameters
        on needs.posted_on >= parameters.valid_from and coalesce(needs.posted_on <= parameters.valid_to, true)
)

select * from known
