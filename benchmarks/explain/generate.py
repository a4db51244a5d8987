"""Seal two made-up editions of so many enterprises and forty indicators, laid out as the night lays them out."""

import argparse
import json
from pathlib import Path

import duckdb

from editions.export import export
from editions.relations import Relation

INDICATORS = 40
EDITIONS = ("2025-06-29-aaaaaaaaaa", "2025-06-30-bbbbbbbbbb")
KEYS = {
    "enterprises": ("uscc",),
    "rankings": ("uscc",),
    "indicators": ("indicator_code",),
    "points": ("uscc", "indicator_code"),
    "reasons": ("uscc", "indicator_code"),
    "top_reasons": ("uscc", "loss_rank"),
    "class_totals": ("uscc", "class"),
    "verdicts": ("uscc", "condition_code"),
    "peer_medians": ("stage", "indicator_code"),
    "evidence": ("uscc", "indicator_code", "source", "dataset", "record_ref"),
    "data_flags": ("uscc", "rule"),
    "stages": ("stage",),
    "levels": ("indicator_code", "level"),
}
# Every figure is a hash of what it belongs to and of the edition's number: the same call makes the same bytes.
TABLES = """
create table enterprises as
select '91441300MA' || lpad(n::varchar, 8, '0') as uscc, '惠州某某科技有限公司' || n as enterprise_name,
    date '2010-01-01' + (n % 4000)::integer as founded_on, 'active' as status, 'C' || (n % 40) as industry_code,
    '计算机、通信和其他电子设备制造业' as industry_name, date '2015-01-01' as zone_member_from,
    null::date as zone_member_to,
    ['startup', 'growth', 'stable'][1 + n % 3] as stage, 'revenue' as stage_basis, true as is_eligible,
    null::varchar as ineligible_reason, date '2025-06-30' as as_of
from range({enterprises}) as counted(n);

create table indicators as
select 'C' || lpad(i::varchar, 2, '0') as indicator_code, '研发费用占营业收入的比例' || i as name_zh,
    'R&D intensity of kind ' || i as name_en, '万元' as unit, 'x 10,000 CNY' as unit_en, 'core' as module,
    'class_' || (i % 5) as class, '技术创新' as class_zh, 'technology innovation' as class_en,
    'R&D expense / operating revenue x 100; undefined when revenue is 0 or less' as definition_en,
    null::varchar as best_of, 'reporting_year' as period, 'higher_is_better' as direction, 'tax.statements' as sources
from range(1, {indicators} + 1) as counted(i);

create table points as
select e.uscc, i.indicator_code, 'made-up' as ruleset_id, e.stage,
    (hash(e.uscc, i.indicator_code, {edition}) % 1000000000)::decimal(18, 6) / 1000 as value_float,
    cast((hash(e.uscc, i.indicator_code, {edition}) % 1000000000)::decimal(18, 0) * 0.001 as decimal(18, 6)) as value,
    i.unit, 'supplied' as supply_status, null::varchar as gap, null::varchar as treatment, 'linear_capped' as function,
    1::tinyint as segment, '[0, 1000000)' as bin, cast(null as decimal(18, 6)) as position, null::integer as peers,
    cast((hash(i.indicator_code, e.uscc, {edition}) % 1000)::decimal(12, 0) * 0.001 as decimal(12, 10)) as share,
    cast((hash(i.indicator_code, e.uscc, {edition}) % 1000)::decimal(12, 0) * 0.005 as decimal(18, 6)) as points,
    5::decimal(18, 6) as points_maximum, 0::decimal(18, 6) as points_minimum, 5::decimal(18, 6) as weight,
    0::decimal(18, 6) as deduction, null::varchar as best_of, true as is_counted, false as is_veto
from enterprises as e cross join indicators as i;
alter table points drop value_float;

create table reasons as
select uscc, indicator_code, points, cast(points_maximum - points as decimal(18, 6)) as points_lost, points_maximum,
    is_counted, row_number() over (partition by uscc order by points, indicator_code)::integer as loss_rank,
    value + 1 as next_at, 0.5::decimal(18, 6) as next_points,
    '研发费用占营业收入的比例：' || value || ' 万元，在 [0, 1000000) 档，得 '
        || points || ' 分，满分 5 分。' as reason_zh,
    'R&D intensity: ' || value || ' x 10,000 CNY, in [0, 1000000): ' || points || ' of 5 points.' as reason_en,
    '达到 ' || (value + 1) || ' 万元可再得 0.5 分。' as change_zh,
    'At ' || (value + 1) || ' x 10,000 CNY: 0.5 more points.' as change_en
from points;

create table top_reasons as
select uscc, loss_rank, indicator_code, points_lost, reason_zh, reason_en, change_zh, change_en
from reasons where loss_rank <= 4;

create table class_totals as
select p.uscc, i.module, i.class, i.class_zh, i.class_en, cast(sum(p.points) as decimal(18, 6)) as points,
    cast(sum(p.points_maximum) as decimal(18, 6)) as points_available,
    cast(sum(p.points_maximum) as decimal(18, 6)) as points_maximum
from points as p join indicators as i using (indicator_code) group by all;

create table verdicts as
select uscc, 'total' as condition_code, '总分' as name_zh, 'total' as name_en,
    cast(sum(points) as decimal(18, 6)) as measured, sum(points) >= 60 as is_met
from points group by uscc;

create table peer_medians as
select stage, indicator_code, cast(quantile_disc(value, 0.5) as decimal(18, 6)) as median_value,
    cast(quantile_disc(points, 0.5) as decimal(18, 6)) as median_points, count(*) as peers
from points group by all;

create table data_flags as
select uscc, 'Q9' as rule, 'warning' as severity, '12 月参保 47 人与填报职工 99 人相差超过 20%。' as detail_zh,
    '47 people insured in December and a reported staff of 99 are more than 20% apart.' as detail_en
from enterprises where hash(uscc) % 20 = 0;

create table stages as
select * from (values ('startup', '初创期', 'start-up'), ('growth', '成长期', 'growth'), ('stable', '稳定期', 'stable'))
    as named(stage, name_zh, name_en);

create table levels as
select indicator_code, level, '国家级' as name_zh, 'national' as name_en
from indicators cross join (values ('national'), ('provincial')) as named(level);

create table evidence as
select uscc, indicator_code, 'tax' as source, 'statements' as dataset, uscc || '|' || (2023 + k) as record_ref,
    date '2025-05-01' as dated_on, date '2025-06-30' as learned_on, cast(k as decimal(18, 6)) as quantity,
    case k when 1 then 'national' end as level, sha256(left(uscc, 15) || indicator_code) as raw_sha256,
    (hash(uscc) % 1000)::integer as raw_position
from points cross join range(2) as counted(k);

create table rankings as
with totals as (
    select p.uscc, e.enterprise_name, e.stage, e.stage_basis, e.industry_code, e.industry_name,
        cast(sum(p.points) as decimal(18, 6)) as points_total
    from points as p join enterprises as e using (uscc) group by all
)
select *, 'made-up' as ruleset_id, date '2025-06-30' as as_of, 200::decimal(18, 6) as points_available,
    200::decimal(18, 6) as points_maximum, cast(points_total * 0.5 as decimal(18, 6)) as score, true as is_ranked,
    null::varchar as unranked_reason, rank() over (order by points_total desc) as rank_overall,
    count(*) over () as peers_overall, rank() over (partition by stage order by points_total desc) as rank_in_stage,
    count(*) over (partition by stage) as peers_in_stage,
    rank() over (partition by industry_code order by points_total desc) as rank_in_industry,
    count(*) over (partition by industry_code) as peers_in_industry,
    2024 as reporting_year, false as is_vetoed, null::boolean as is_passed, 'C01, C02, C03, C04' as costliest,
    'B' as credit_grade, 0::bigint as active_credit_events
from totals;
"""


def generate(data_dir: Path, enterprises: int) -> None:
    """Write both editions under `data_dir`, and let `current` point at the second."""
    for number, edition_id in enumerate(EDITIONS):
        edition = data_dir / "editions" / edition_id
        (edition / "tables").mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.execute(TABLES.format(enterprises=enterprises, indicators=INDICATORS, edition=number))
            for name, key in KEYS.items():
                export(connection, Relation(name, "main", "zone", key, "", {}), edition)
        head = {"as_of": edition_id[:10], "ruleset_id": "made-up", "parent": EDITIONS[0] if number else None}
        (edition / "manifest.json").write_text(json.dumps({"format": 1, "files": [], **head}))
    (data_dir / "editions" / "current").symlink_to(EDITIONS[1])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data_dir", type=Path)
    asked.add_argument("--enterprises", type=int, default=10_000)
    options = asked.parse_args()
    generate(options.data_dir, options.enterprises)
