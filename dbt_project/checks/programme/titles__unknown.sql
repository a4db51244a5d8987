-- subsidy_programmes: programme_id, title_required
-- 科技局没有这种资质：没有企业符合
-- the science bureau has no such title, so no enterprise would have it
from subsidy_programmes
where title_required not in (
    select value from declared_values where source = 'science' and dataset = 'titles' and column_name = 'title'
)
