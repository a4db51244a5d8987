-- {file}: ruleset_id, word, other
-- 与 {other} 只差大小写、符号或一个字母，二者不相等
-- differs from {other} in letter case, signs or one letter alone, and counts as another
with words as (
    select distinct 'ruleset_conditions' as file, ruleset_id, 'route' as what, route as word from ruleset_conditions
    union all
    select distinct 'ruleset_indicators', ruleset_id, 'best_of', best_of from ruleset_indicators
    union all
    select distinct 'ruleset_indicators', ruleset_id, 'module', module from ruleset_indicators
)

select file, ruleset_id, word, (
    select min(others.word) from words as others
    where
        others.ruleset_id = words.ruleset_id and others.what = words.what and are_alike(others.word, words.word, true)
) as other
from words
where other is not null
