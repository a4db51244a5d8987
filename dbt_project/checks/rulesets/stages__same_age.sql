-- ruleset_stages: ruleset_id, max_age_months
-- 两个阶段的年龄上限相同
-- two stages have the same age limit
select ruleset_id, max_age_months from ruleset_stages
where max_age_months is not null
group by all
having count(*) > 1
