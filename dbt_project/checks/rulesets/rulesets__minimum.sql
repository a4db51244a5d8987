-- rulesets: ruleset_id, stage
-- minimum_points_available 高于可得的总分：没有企业会有名次
-- minimum_points_available is above all points that there are: no enterprise would be ranked
with points as (
    select ruleset_id, stage, sum(weight) as most from module_weights group by all
)

select rulesets.ruleset_id, points.stage from rulesets
inner join points on rulesets.ruleset_id = points.ruleset_id
where minimum_points_available > if(aggregation = 'weighted_mean', points_scale, points.most)
