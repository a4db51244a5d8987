-- {file}: ruleset_id, word, other
-- 与 {other} 只差大小写、符号或一个字母，二者不相等
-- differs from {other} in letter case, signs or one letter alone, and counts as another
-- As in checks/programme/keys__alike: of words that the files alone give a meaning to, one may have lost a letter.
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
        others.ruleset_id = words.ruleset_id and others.what = words.what and others.word <> words.word
        and (
            (
                regexp_replace(lower(others.word), '[^\pL\pN]', '', 'g')
                = regexp_replace(lower(words.word), '[^\pL\pN]', '', 'g')
                -- 1.1 is not 11.
                and regexp_replace(others.word, '[^0-9]+', '-', 'g') = regexp_replace(words.word, '[^0-9]+', '-', 'g')
            )
            or (
                length(others.word) <> length(words.word) and levenshtein(others.word, words.word) = 1
                -- I and II are two.
                and not regexp_matches(others.word || ' ' || words.word, '[0-9]|(^|[^\pL])(?i:[ivx]+)( |$)')
            )
        )
) as other
from words
where other is not null
