with needs as (
    select * from {{ ref('need_states') }}
    where is_open
),

offers as (
    select * from {{ ref('product_offers') }}
),

in_market as (
    select * from {{ ref('market_products') }}
),

pauses as (
    select * from {{ ref('market_pauses') }}
),

positions as (
    select * from {{ ref('pool_positions') }}
    where scope in ('bank', 'pool') and line = 'stop'
),

agreements as (
    select * from {{ ref('pool_agreements') }}
),

parameters as (
    select * from {{ ref('market_parameters') }}
),

products as (
    select * from {{ ref('products') }}
),

events as (
    select * from {{ ref('market_events') }}
    where is_applied
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

near as (
    select
        max(case when parameters.parameter = 'near_amount_pct' then parameters.value end) as amount_pct,
        max(case when parameters.parameter = 'near_term_months' then parameters.value end) as term_months,
        max(case when parameters.parameter = 'near_rate_pct' then parameters.value end) as rate_pct
    from in_force
    inner join parameters
        on in_force.as_of >= parameters.valid_from and coalesce(in_force.as_of <= parameters.valid_to, true)
),

answer_days as (
    select
        products.product_id,
        products.version,
        cast(parameters.value as bigint) as answer_days,
        row_number() over (
            partition by products.product_id, products.version
            order by
                case when parameters.product_id is null then 1 else 0 end,
                case when parameters.bank is null then 1 else 0 end
        ) as narrowest_rank
    from products
    cross join in_force
    inner join parameters
        on
            parameters.parameter = 'answer_days'
            and in_force.as_of >= parameters.valid_from
            and coalesce(in_force.as_of <= parameters.valid_to, true)
            and coalesce(products.bank = parameters.bank, parameters.bank is null)
            and coalesce(products.product_id = parameters.product_id, parameters.product_id is null)
),

paused as (
    select
        products.product_id,
        products.version,
        min(pauses.reason_zh) as reason_zh,
        min(pauses.reason_en) as reason_en
    from products
    cross join in_force
    inner join pauses
        on
            products.bank = pauses.bank
            and coalesce(products.product_id = pauses.product_id, true)
            and in_force.as_of >= pauses.paused_from
            and coalesce(in_force.as_of <= pauses.paused_to, true)
    group by products.product_id, products.version
),

-- A pool that is stopped stops every bank that has an agreement with it.
stopped as (
    select party as bank
    from positions
    where scope = 'bank'
    union distinct
    select agreements.bank
    from agreements
    inner join positions on agreements.pool_id = positions.pool_id and positions.scope = 'pool'
),

collaterals as (
    select
        product_id,
        version,
        {{ split_rows('collaterals', ';') }} as collateral
    from in_market
),

taken as (
    select
        needs.need_no,
        collaterals.product_id,
        collaterals.version
    from needs
    inner join collaterals
        on
            collaterals.collateral = 'none'
            or instr(';' || replace(needs.collaterals, ' ', '') || ';', ';' || collaterals.collateral || ';') > 0
    group by needs.need_no, collaterals.product_id, collaterals.version
),

-- A bank that rejected a need is not offered it again.
rejected as (
    select
        need_no,
        bank
    from events
    where reported_state = 'rejected'
    group by need_no, bank
),

met as (
    select
        needs.need_no,
        needs.uscc,
        needs.amount_fen,
        offers.bank,
        offers.product_id,
        offers.version,
        offers.name_zh,
        offers.name_en,
        offers.limit_fen,
        offers.rate_pct,
        offers.term_months,
        coalesce(offers.answer_days, answer_days.answer_days) as answer_days,
        -- Obstacles that come before the comparison of the loan itself.
        case
            when offers.decision <> 'eligible' then 'not_eligible'
            when in_market.product_id is null then 'not_in_the_market'
            when not offers.is_marketed then 'not_marketed'
            when paused.product_id is not null then 'paused'
            when in_market.is_pool_backed and stopped.bank is not null then 'stopped'
            when rejected.bank is not null then 'rejected'
            when offers.unpriced_reason is not null then offers.unpriced_reason
        end as barred_by,
        case
            when offers.decision <> 'eligible' then offers.failing_zh
            when paused.product_id is not null then paused.reason_zh
        end as barred_zh,
        case
            when offers.decision <> 'eligible' then offers.failing_en
            when paused.product_id is not null then paused.reason_en
        end as barred_en,
        case when offers.decision <> 'eligible' then offers.gap end as condition_gap,
        -- What is not known has no gap, and no product without a limit or a rate is a match.
        case
            when offers.limit_fen is not null
                then greatest(
                    needs.amount_fen - offers.limit_fen, {{ to_fen('products.min_limit_cny') }} - needs.amount_fen, 0
                )
        end as amount_gap_fen,
        greatest(needs.term_months - offers.term_months, 0) as term_gap_months,
        case
            when offers.rate_pct is not null
                then greatest(offers.rate_pct - coalesce(needs.highest_rate_pct, offers.rate_pct), 0)
        end as rate_gap_pct,
        case when taken.need_no is null then in_market.collaterals end as collateral_missing
    from needs
    inner join offers on needs.uscc = offers.uscc
    inner join products on offers.product_id = products.product_id and offers.version = products.version
    left join in_market on offers.product_id = in_market.product_id and offers.version = in_market.version
    left join paused on offers.product_id = paused.product_id and offers.version = paused.version
    left join stopped on offers.bank = stopped.bank
    left join rejected on needs.need_no = rejected.need_no and offers.bank = rejected.bank
    left join taken
        on
            needs.need_no = taken.need_no
            and offers.product_id = taken.product_id
            and offers.version = taken.version
    left join answer_days
        on
            offers.product_id = answer_days.product_id
            and offers.version = answer_days.version
            and answer_days.narrowest_rank = 1
),

fitted as (
    select
        met.*,
        coalesce(
            met.barred_by,
            case
                when met.amount_gap_fen > 0 then 'amount'
                when met.term_gap_months > 0 then 'term'
                when met.rate_gap_pct > 0 then 'rate'
                when met.collateral_missing is not null then 'collateral'
            end
        ) as failing,
        met.barred_by is null
        and met.collateral_missing is null
        and {{ wide('met.amount_gap_fen') }} * 1000000 <= {{ wide('met.amount_fen') }} * cast(near.amount_pct * 10000 as bigint)
        and met.term_gap_months <= near.term_months
        and met.rate_gap_pct <= near.rate_pct as is_near
    from met
    cross join near
),

matched as (
    select
        *,
        case when failing is null then 'match' when is_near then 'near' else 'no' end as fit
    from fitted
),

{{ market_order(
    'matched',
    ['need_no', 'product_id', 'version'],
    ['need_no'],
    'need_offers',
    ['rate_pct', 'limit_fen', 'answer_days', 'term_months'],
    "matched.fit = 'match'"
) }}

placed as (
    select
        matched.need_no,
        matched.product_id,
        matched.version,
        matched.uscc,
        matched.bank,
        matched.name_zh,
        matched.name_en,
        matched.fit,
        ordered.place,
        ordered.equals,
        matched.limit_fen,
        matched.rate_pct,
        matched.term_months,
        matched.answer_days,
        matched.failing,
        matched.barred_zh,
        matched.barred_en,
        matched.condition_gap,
        matched.amount_gap_fen,
        matched.term_gap_months,
        matched.rate_gap_pct,
        matched.collateral_missing
    from matched
    left join ordered
        on
            matched.need_no = ordered.need_no
            and matched.product_id = ordered.product_id
            and matched.version = ordered.version
)

select * from placed
