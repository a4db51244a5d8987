-- ruleset_conditions: ruleset_id, condition_code, route
-- route 须以字母开头，只含字母、数字和下划线
-- a route begins with a letter and has letters, digits and _ only
from ruleset_conditions where not regexp_full_match(route, '[A-Za-z][A-Za-z0-9_]{0,29}')
