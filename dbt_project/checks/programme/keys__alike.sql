-- {file}: what, word, other
-- 与 {other} 只差大小写、符号或一个字母，二者不相等
-- differs from {other} in letter case, signs or one letter alone, and counts as another
with words as (
    select 'programme_conditions' as file, 'any_of' as what, item_id || ' ' || version as place, any_of as word
    from programme_conditions
    union
    select 'products', 'bank', '', bank from products
    union
    select 'market_parameters', 'bank', '', bank from market_parameters
    union
    select 'market_pauses', 'bank', '', bank from market_pauses
    union
    select 'pool_agreements', 'bank', '', bank from pool_agreements
    union
    select 'pool_agreements', 'guarantor', '', guarantor from pool_agreements
    union
    select 'pool_uplifts', 'uplift', '', uplift from pool_uplifts
    union
    select 'pool_uplifts', 'uplift_group', agreement_id, uplift_group from pool_uplifts
    union
    select 'reference_rates', 'rate', '', rate from reference_rates
    union
    select 'subsidy_programmes', 'firm_cap_group', '', firm_cap_group from subsidy_programmes
    union
    select 'restriction_measures', 'measure_id', '', measure_id from restriction_measures
)

select file, what, word, (
    select min(others.word) from words as others
    where
        others.what = words.what and others.place = words.place
        and are_alike(others.word, words.word, words.what in ('any_of', 'firm_cap_group', 'uplift_group'))
) as other
from words
where other is not null
