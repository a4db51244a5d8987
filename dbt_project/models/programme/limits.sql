-- What each product would lend to whom its conditions let in, in whole fen. All is multiplied first, in fen and millionths, and
-- divided once at the end, rounded down; then it is cut to whole steps.
with decisions as (
    select * from {{ ref('decisions') }}
    where kind = 'product' and decision = 'eligible'
),

products as (
    select * from {{ ref('products') }}
),

facts as (
    select * from {{ ref('facts') }}
),

bands as (
    select
        product_id,
        version,
        {{ to_fen('coalesce(lo_cny, 0)') }} as lo_fen,
        {{ to_fen('hi_cny') }} as hi_fen,
        cast(share_pct * 10000 as bigint) as share_ppm,
        {{ to_fen('fixed_cny') }} as fixed_fen
    from {{ ref('product_limits') }}
),

uplifts as (
    select * from {{ ref('product_uplifts') }}
),

prices as (
    select * from {{ ref('product_prices') }}
),

reference_rates as (
    select * from {{ ref('reference_rates') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

let_in as (
    select
        decisions.subject,
        products.*,
        {{ to_fen('cast(facts.number as decimal(20, 2))') }} as basis_fen
    from decisions
    inner join products on decisions.item_id = products.product_id and decisions.version = products.version
    left join facts on decisions.subject = facts.subject and products.basis = facts.fact
),

banded as (
    select
        let_in.subject,
        let_in.product_id,
        let_in.version,
        sum(
            cast(
                case
                    when let_in.limit_method = 'tiered'
                        then least(let_in.basis_fen, coalesce(bands.hi_fen, let_in.basis_fen)) - bands.lo_fen
                    else coalesce(let_in.basis_fen, 0)
                end as decimal(18, 0)
            ) * bands.share_ppm
            + cast(bands.fixed_fen as decimal(18, 0)) * 1000000
        ) as limit_millionths
    from let_in
    inner join bands
        on
            let_in.product_id = bands.product_id
            and let_in.version = bands.version
            -- A basis that is not known has no band, but where the product asks for none.
            and (let_in.basis is null or let_in.basis_fen >= bands.lo_fen)
            and (
                let_in.basis is null
                or (let_in.limit_method = 'tiered' and (let_in.basis_fen > bands.lo_fen or bands.lo_fen = 0))
                or (let_in.limit_method = 'whole' and (bands.hi_fen is null or let_in.basis_fen < bands.hi_fen))
            )
    group by let_in.subject, let_in.product_id, let_in.version
),

lifted as (
    select
        let_in.subject,
        let_in.product_id,
        let_in.version,
        max(uplifts.uplift_pct) as uplift_pct,
        min(uplifts.answer_days) as answer_days
    from let_in
    inner join uplifts on let_in.product_id = uplifts.product_id and let_in.version = uplifts.version
    inner join facts
        on
            let_in.subject = facts.subject
            and uplifts.fact = facts.fact
            and (uplifts.lo is null or uplifts.lo <= facts.number)
            and (uplifts.hi is null or uplifts.hi > facts.number)
    group by let_in.subject, let_in.product_id, let_in.version
),

priced as (
    select
        let_in.subject,
        let_in.product_id,
        let_in.version,
        max(prices.base) as base,
        max(prices.rate_pct + case when prices.base = 'fixed' then 0 else reference_rates.rate_pct end) as rate_pct
    from let_in
    cross join in_force
    inner join prices on let_in.product_id = prices.product_id and let_in.version = prices.version
    inner join facts
        on
            let_in.subject = facts.subject
            and prices.fact = facts.fact
            and (prices.lo is null or prices.lo <= facts.number)
            and (prices.hi is null or prices.hi > facts.number)
    left join reference_rates
        on
            prices.base = reference_rates.rate
            and in_force.as_of between reference_rates.valid_from and reference_rates.valid_to
    group by let_in.subject, let_in.product_id, let_in.version
),

raised as (
    select
        let_in.subject,
        let_in.product_id,
        let_in.version,
        {{ to_fen('let_in.min_limit_cny') }} as min_limit_fen,
        {{ to_fen('let_in.step_cny') }} as step_fen,
        -- `least` passes over a null, and a basis that is not known gives no limit.
        case
            when banded.limit_millionths is not null
                then least(
                    {{ to_fen('let_in.max_limit_cny') }},
                    {{ divided_down(
                        'banded.limit_millionths * (1000000 + cast(coalesce(lifted.uplift_pct, 0) * 10000 as bigint))',
                        1000000000000
                    ) }}
                )
        end as uncut_fen,
        coalesce(lifted.uplift_pct, 0) as uplift_pct,
        lifted.answer_days,
        priced.base,
        priced.rate_pct
    from let_in
    left join banded
        on let_in.subject = banded.subject and let_in.product_id = banded.product_id and let_in.version = banded.version
    left join lifted
        on let_in.subject = lifted.subject and let_in.product_id = lifted.product_id and let_in.version = lifted.version
    left join priced
        on let_in.subject = priced.subject and let_in.product_id = priced.product_id and let_in.version = priced.version
),

cut as (
    select
        *,
        {{ divided_down('uncut_fen', 'step_fen') }} * step_fen as cut_fen
    from raised
),

limited as (
    select
        subject,
        product_id,
        version,
        case when cut_fen >= min_limit_fen then cut_fen end as limit_fen,
        case when cut_fen < min_limit_fen then min_limit_fen - cut_fen end as below_minimum_fen,
        uplift_pct,
        answer_days,
        base,
        rate_pct
    from cut
)

select * from limited
