-- ruleset_indicators: ruleset_id, indicator_code
-- 代码不能是另一指标的代码加系统自有的后缀：_status、_segment、_points、_raw、_position、_peers、_share、_maximum、_rounded
-- a code cannot be another one with an ending of ours: _status, _segment, _points, _raw, _position, _peers, _share, _maximum, _rounded
-- The models that measure and score make columns of a code and these endings.
select distinct made.ruleset_id, made.indicator_code
from ruleset_indicators as made
inner join ruleset_indicators as other on made.ruleset_id = other.ruleset_id
cross join (
    select unnest(['_status', '_segment', '_points', '_raw', '_position', '_peers', '_share', '_maximum', '_rounded']) as ending
)
where lower(made.indicator_code) = lower(other.indicator_code) || ending
