-- policies: policy_id, version
-- 申领期缺失、颠倒，或超出有效期
-- the days to claim are missing, turned round, or outside the days of the version
from policies
where claim_from is null or claim_to is null or claim_to < claim_from or claim_from < valid_from
    or claim_to > coalesce(valid_to, date '9999-12-31')
