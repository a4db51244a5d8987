-- rulesets: ruleset_id, scheme
-- 没有 scheme，或与另一规则集的 scheme 只差大小写、符号或一个字母：它就不会被使用
-- no scheme, or one that differs from another rule set's in letter case, signs or one letter alone: it would not be used
from rulesets
where
    scheme is null
    or exists (
        from rulesets as other
        where
            other.scheme <> rulesets.scheme
            and (
                regexp_replace(lower(other.scheme), '[^\pL\pN]', '', 'g') = regexp_replace(lower(rulesets.scheme), '[^\pL\pN]', '', 'g')
                or (
                    levenshtein(other.scheme, rulesets.scheme) = 1
                    and not regexp_matches(other.scheme || rulesets.scheme, '[0-9_-]')
                )
            )
    )
