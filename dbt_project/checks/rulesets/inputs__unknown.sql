-- ruleset_inputs: ruleset_id, indicator_code, source, dataset
-- 没有这个指标，或没有这个数据集
-- no such indicator, or no such dataset
from (from ruleset_inputs anti join ruleset_indicators using (ruleset_id, indicator_code))
union all
from ruleset_inputs anti join declared_datasets using (source, dataset)
