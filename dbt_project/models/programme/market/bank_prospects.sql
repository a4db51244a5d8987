with offers as (
    select * from {{ ref('need_offers') }}
    where fit = 'match'
),

needs as (
    select * from {{ ref('need_states') }}
),

facts as (
    select * from {{ ref('enterprise_facts') }}
),

uses as (
    select * from {{ ref('market_consents') }}
    where used_for = 'bank_prospects'
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- The newest consent or withdrawal for a bank and a purpose decides, of the same day the withdrawal: as when an extract is
-- sent.
worded as (
    select
        given.*,
        in_force.as_of,
        row_number() over (
            partition by given.uscc, given.recipient, given.purpose
            order by
                case when given.withdrawn_on <= in_force.as_of then given.withdrawn_on else given.valid_from end desc,
                case when given.withdrawn_on <= in_force.as_of then 0 else 1 end asc,
                given.valid_from desc,
                length(given.consent_id) desc,
                given.consent_id desc
        ) as age
    from {{ ref('int_consents__given') }} as given
    inner join in_force on given.valid_from <= in_force.as_of or given.withdrawn_on <= in_force.as_of
),

consents as (
    select worded.*
    from worded
    inner join uses on {{ consent_covers('worded', 'worded.as_of', 'uses') }}
    where worded.age = 1
),

prospects as (
    select
        offers.bank,
        offers.need_no,
        offers.product_id,
        offers.version,
        offers.uscc,
        consents.consent_id,
        needs.is_contact_consented,
        needs.posted_on,
        {{ days_between('needs.posted_on', 'needs.as_of') }} as days_posted,
        needs.amount_fen,
        needs.term_months,
        needs.highest_rate_pct,
        needs.collaterals,
        needs.used_for,
        facts.score,
        case when {{ names_class('consents.data_classes', "'rank'") }} then facts.rank_overall end as rank_overall,
        offers.limit_fen,
        offers.rate_pct
    from offers
    inner join needs on offers.need_no = needs.need_no
    inner join facts on offers.uscc = facts.uscc
    inner join consents
        on offers.uscc = consents.uscc and offers.bank = consents.recipient
    where instr(';' || replace(needs.consented_banks, ' ', '') || ';', ';' || offers.bank || ';') > 0
),

{{ market_order(
    'prospects',
    ['need_no', 'product_id', 'version', 'bank'],
    ['bank', 'product_id'],
    'bank_prospects',
    ['score', 'rank_overall', 'amount_fen', 'days_posted', 'limit_fen', 'rate_pct'],
    'true'
) }}

placed as (
    select
        prospects.*,
        ordered.place,
        ordered.equals
    from prospects
    inner join ordered
        on
            prospects.need_no = ordered.need_no
            and prospects.product_id = ordered.product_id
            and prospects.version = ordered.version
)

select * from placed
