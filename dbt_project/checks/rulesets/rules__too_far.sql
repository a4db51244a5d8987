-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 档的界限不得超过 ±99,999,999,999,999.99
-- an edge lies beyond 99,999,999,999,999.99 on either side
from written_rules where greatest(abs(lo), abs(hi)) > 99999999999999.99
