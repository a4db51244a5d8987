-- rulesets: ruleset_id, next_id
-- 与 {next_id} 之间有 {days} 天没有规则集
-- {days} days without a rule set before {next_id}
select ruleset_id, next_id, next_from - valid_to - 1 as days
from (
    select
        *, lead(valid_from) over (partition by scheme order by valid_from) as next_from,
        lead(ruleset_id) over (partition by scheme order by valid_from) as next_id
    from rulesets where status = 'active'
)
where next_from - valid_to > 1
