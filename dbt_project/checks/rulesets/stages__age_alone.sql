-- ruleset_stages: ruleset_id
-- 只按年龄分阶段时，须恰有一个阶段不设年龄上限
-- of stages by age alone one, and only one, has no age limit
-- That one takes those who are older than all others allow.
select ruleset_id from ruleset_stages
group by ruleset_id
having
    count(revenue_low_cny) + count(revenue_high_cny) = 0
    and count(max_age_months) > 0 and count(*) > 1 and count(*) - count(max_age_months) <> 1
