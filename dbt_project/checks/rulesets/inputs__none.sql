-- ruleset_inputs: ruleset_id, indicator_code
-- 未写明该指标由哪些数据集得出
-- nothing says which datasets the indicator is made of
from measured_by_night anti join ruleset_inputs using (ruleset_id, indicator_code)
