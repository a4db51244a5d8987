-- The limit of each product for enterprises that meet its conditions, in whole fen. All is multiplied first, in fen and
-- millionths, and divided once at the end, rounded down; then it is cut to whole steps.
with decisions as (
    select * from {{ ref('decisions') }}
    where decision = 'eligible'
),

products as (
    select
        items.item_no,
        products.*
    from {{ ref('products') }} as products
    inner join {{ ref('item_versions') }} as items
        on products.product_id = items.item_id and products.version = items.version and items.kind = 'product'
),

facts as (
    select * from {{ ref('facts') }}
    where number is not null or text is not null
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
        decisions.subject_id,
        products.*,
        {{ to_fen('cast(facts.number as decimal(20, 2))') }} as basis_fen
    from decisions
    inner join products on decisions.item_no = products.item_no
    left join facts on decisions.subject_id = facts.subject_id and products.basis = facts.fact
),

banded as (
    select
        let_in.subject_id,
        let_in.item_no,
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
            -- A basis that is not known has no band, unless the product has no basis.
            and (let_in.basis is null or let_in.basis_fen >= bands.lo_fen)
            and (
                let_in.basis is null
                or (let_in.limit_method = 'tiered' and (let_in.basis_fen > bands.lo_fen or bands.lo_fen = 0))
                or (let_in.limit_method = 'whole' and (bands.hi_fen is null or let_in.basis_fen < bands.hi_fen))
            )
    group by let_in.subject_id, let_in.item_no
),

lifted as (
    select
        let_in.subject_id,
        let_in.item_no,
        max(uplifts.uplift_pct) as uplift_pct,
        min(uplifts.answer_days) as answer_days
    from let_in
    inner join uplifts on let_in.product_id = uplifts.product_id and let_in.version = uplifts.version
    inner join facts
        on
            let_in.subject_id = facts.subject_id
            and uplifts.fact = facts.fact
            and (uplifts.lo is null or uplifts.lo <= facts.number)
            and (uplifts.hi is null or uplifts.hi > facts.number)
    group by let_in.subject_id, let_in.item_no
),

priced as (
    select
        let_in.subject_id,
        let_in.item_no,
        max(prices.base) as base,
        max(prices.rate_pct + case when prices.base = 'fixed' then 0 else reference_rates.rate_pct end) as rate_pct
    from let_in
    cross join in_force
    inner join prices on let_in.product_id = prices.product_id and let_in.version = prices.version
    left join facts on let_in.subject_id = facts.subject_id and prices.fact = facts.fact
    left join reference_rates
        on
            prices.base = reference_rates.rate
            and in_force.as_of between reference_rates.valid_from and reference_rates.valid_to
    -- A price without an edge is that of all, also where its fact is not known.
    where (prices.lo is null or prices.lo <= facts.number) and (prices.hi is null or prices.hi > facts.number)
    group by let_in.subject_id, let_in.item_no
),

raised as (
    select
        let_in.subject_id,
        let_in.item_no,
        {{ to_fen('let_in.min_limit_cny') }} as min_limit_fen,
        {{ to_fen('let_in.step_cny') }} as step_fen,
        -- `least` ignores nulls, and a basis that is not known gives no limit. Millionths of a fen times 1 plus the uplift in
        -- millionths: one division by both at the end.
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
    left join banded on let_in.subject_id = banded.subject_id and let_in.item_no = banded.item_no
    left join lifted on let_in.subject_id = lifted.subject_id and let_in.item_no = lifted.item_no
    left join priced on let_in.subject_id = priced.subject_id and let_in.item_no = priced.item_no
),

cut as (
    select
        *,
        uncut_fen - uncut_fen % step_fen as cut_fen
    from raised
),

limited as (
    select
        subject_id,
        item_no,
        case when cut_fen >= min_limit_fen then cut_fen end as limit_fen,
        case when cut_fen < min_limit_fen then min_limit_fen - cut_fen end as below_minimum_fen,
        uplift_pct,
        answer_days,
        base,
        rate_pct
    from cut
)

select * from limited
