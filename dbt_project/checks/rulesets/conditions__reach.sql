-- ruleset_conditions: ruleset_id, condition_code, measure
-- 下限高于可得的最高值 {most}：没有企业能满足
-- the lower bound is above {most}, the most that there can be: no enterprise would meet it
with points as (
    select ruleset_id, 'points:' || indicator_code as measure, max(weight) as most from ruleset_weights group by all
    union all
    select ruleset_id, 'points_total', max(weight) from (
        select ruleset_id, stage, sum(weight) as weight from module_weights group by all
    )
    group by ruleset_id
    union all
    select ruleset_id, 'score', 100 from rulesets
)

select conditions.ruleset_id, condition_code, conditions.measure, cast(most as double) as most
from ruleset_conditions as conditions
inner join points on conditions.ruleset_id = points.ruleset_id and conditions.measure = points.measure
anti join weighted_means on conditions.ruleset_id = weighted_means.ruleset_id
where conditions.lo > points.most
