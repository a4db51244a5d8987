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
        others.what = words.what and others.place = words.place and others.word <> words.word
        and (
            (
                regexp_replace(lower(others.word), '[^\pL\pN]', '', 'g')
                = regexp_replace(lower(words.word), '[^\pL\pN]', '', 'g')
                -- 1.1 is not 11.
                and regexp_replace(others.word, '[^0-9]+', '-', 'g') = regexp_replace(words.word, '[^0-9]+', '-', 'g')
            )
            -- Words that the file alone gives a meaning to. group_a and group_b are two; of firm and fir one lost a letter.
            or (
                words.what in ('any_of', 'firm_cap_group', 'uplift_group') and length(others.word) <> length(words.word)
                and not regexp_matches(others.word || ' ' || words.word, '[0-9]|(^|[^\pL])(?i:[ivx]+)( |$)')
                and levenshtein(others.word, words.word) = 1
            )
        )
) as other
from words
where other is not null
