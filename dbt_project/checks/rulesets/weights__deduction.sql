-- ruleset_weights: ruleset_id, indicator_code, stage
-- 扣分只用于函数为 deduct 或 veto 的指标，且不高于全部可得分数
-- a deduction belongs to an indicator of function deduct or veto, and takes away no more points than there are in all
with points as (
    select ruleset_id, max(weight) as most from (
        select ruleset_id, stage, sum(weight) as weight from module_weights group by all
    )
    group by all
)

select weights.* from ruleset_weights as weights
inner join points on weights.ruleset_id = points.ruleset_id
where
    weights.deduction > points.most
    or (
        weights.deduction > 0
        and exists (
            from ruleset_rules as rules
            where
                rules.ruleset_id = weights.ruleset_id and rules.indicator_code = weights.indicator_code
                and rules.function not in ('deduct', 'veto')
        )
    )
