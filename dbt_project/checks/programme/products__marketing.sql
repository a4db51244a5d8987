-- products: product_id, version
-- 营销期缺失、颠倒，或超出有效期
-- the marketing days are missing, turned round, or outside the days of the version
from products
where marketing_from is null or marketing_to < marketing_from or marketing_from < valid_from
    or coalesce(marketing_to, date '9999-12-31') > coalesce(valid_to, date '9999-12-31')
