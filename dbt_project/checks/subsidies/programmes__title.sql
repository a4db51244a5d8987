-- subsidy_programmes: ruleset_id
-- 没有所需资质
-- names no title
select programme_id as ruleset_id from subsidy_programmes where coalesce(title_required, '') = ''
