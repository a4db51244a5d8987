-- programme_cases: kind, item_id, version, case_no
-- 只有结果为 eligible 的产品算例才有额度，且必须有
-- a limit belongs to a case of a product that is eligible, and must be there
from programme_cases where (limit_cny is not null) <> (kind = 'product' and expected = 'eligible')
