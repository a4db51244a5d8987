-- ruleset_weights: ruleset_id, module, stage
-- 权重合计为 {weight}，应为 {weights_total}
-- the weights sum to {weight}, not to {weights_total}
select module_weights.*, weights_total from module_weights
inner join rulesets using (ruleset_id)
where weight <> weights_total
