-- dbt_project/models/indicators/{model}: code
-- 有一列以 {code} 开头，但没有任何规则集包含该指标：请在 ruleset_indicators.csv 中加上它的行
-- a column begins with {code}, which is an indicator of no rule set: add its rows, the first in ruleset_indicators.csv
-- Looked up in the file, for of the rule sets one alone may have been asked about.
from measured_codes
anti join (
    select upper(indicator_code) as code
    from read_csv(getvariable('models') || '/../seeds/rulesets/ruleset_indicators.csv', all_varchar = true)
) using (code)
