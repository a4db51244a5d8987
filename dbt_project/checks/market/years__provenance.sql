-- working_years: year
-- 没有说明来自哪个通知
-- does not say which notice it comes from
select year from working_years where coalesce(provenance, '') = '' or published_on is null
