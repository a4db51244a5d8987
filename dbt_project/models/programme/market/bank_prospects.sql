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

-- The consent that is in force on the business date and began last.
consents as (
    select
        given.uscc,
        given.recipient,
        given.consent_id,
        row_number() over (
            partition by given.uscc, given.recipient order by given.valid_from desc, given.consent_id asc
        ) as newest_rank
    from {{ ref('int_consents__given') }} as given
    inner join {{ ref('ruleset_in_force') }} as in_force
        on {{ consent_covers('given', 'in_force.as_of', 'score') }}
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
        facts.rank_overall,
        offers.limit_fen,
        offers.rate_pct
    from offers
    inner join needs on offers.need_no = needs.need_no
    inner join facts on offers.uscc = facts.uscc
    inner join consents
        on offers.uscc = consents.uscc and offers.bank = consents.recipient and consents.newest_rank = 1
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
