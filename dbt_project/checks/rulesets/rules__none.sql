-- ruleset_rules: ruleset_id, indicator_code, stage
-- 该指标在该阶段没有评分规则
-- no rule for this indicator in this stage
from indicator_stages
anti join segments
    on
        indicator_stages.ruleset_id = segments.ruleset_id and indicator_stages.indicator_code = segments.indicator_code
        and indicator_stages.stage = segments.for_stage
