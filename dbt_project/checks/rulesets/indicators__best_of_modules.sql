-- ruleset_indicators: ruleset_id, best_of
-- 取高者的各指标须在同一模块
-- indicators that stand for each other are of one module
select ruleset_id, best_of from ruleset_indicators
where best_of is not null
group by all
having count(distinct module) > 1
