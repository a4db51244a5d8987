"""Editions that `jifen explain` can be asked about: the small one, and what today's have beside its tables."""

import json

from editions.build import BuildReport
from editions.places import point_current
from editions.seal import EditionFacts, seal
from tests.unit.small_edition import AS_OF, CODE, TAGGED, input_batch, make_candidate, write_target

FIRST, SECOND, CLOSED = (f"91441300MA0000000{number}" for number in (1, 2, 7))
RECORD = {"nsrsbh": FIRST, "ssnd": 2024, "yffy": "1005000.00"}
PAGE = json.dumps({"data": {"items": [{"nsrsbh": SECOND}, RECORD], "total": 2}}).encode()

# What today's editions have beside the small one's tables.
COUNTED = """
alter table points add column if not exists is_counted boolean; update points set is_counted = points is not null;
alter table reasons add column if not exists is_counted boolean; update reasons set is_counted = points is not null;
"""
EVIDENCED = """
alter table reasons add column if not exists loss_rank integer;
update reasons set loss_rank = case indicator_code when 'C09' then 1 else 2 end where points is not null;
alter table reasons add column if not exists change_en varchar; update reasons set change_en = 'at 2000: 1 more';
create or replace table evidence as
select uscc, indicator_code, 'tax' as source, 'statements' as dataset, uscc || '|2024' as record_ref,
    date '2025-05-20' as dated_on, date '2025-06-30' as learned_on, cast(n as decimal(20, 6)) as quantity,
    'national' as level, '<page>' as raw_sha256, 2 as raw_position
from points, range(2, 0, -1) as t(n) where indicator_code = 'C01' and points is not null and n = 1;
create table class_totals as
select uscc, 'core' as module, 'c' as class, '技术创新' as class_zh, 'innovation' as class_en,
    points_total as points, points_available, points_maximum from rankings;
create table verdicts as
select uscc, 'pass' as condition_code, '及格' as name_zh, 'passed' as name_en, score as measured, score >= 60 as is_met
from rankings;
create or replace table data_flags as
select uscc, 'Q5' as rule, 'warning' as severity, '口径' as detail_zh, 'caliber' as detail_en
from rankings where uscc like '%1';
create table peer_medians as
select 'growth' as stage, indicator_code, cast(100 as decimal(20, 6)) as median_value,
    cast(3 as decimal(18, 6)) as median_points, 6::bigint as peers from indicators;
alter table indicators add column if not exists definition_zh varchar; update indicators set definition_zh = '当年申报';
alter table indicators add column if not exists definition_en varchar; update indicators set definition_en = 'as filed';
create table stages as select 'growth' as stage, '成长期' as name_zh, 'growth stage' as name_en;
create table levels as
select 'C01' as indicator_code, 'national' as level, '国家一等' as name_zh, 'national, first' as name_en;
"""
MORE = {
    "evidence": ("edition", ["uscc", "indicator_code", "source", "dataset", "record_ref"]),
    "class_totals": ("edition", ["uscc", "module", "class"]),
    "verdicts": ("edition", ["uscc", "condition_code"]),
    "data_flags": ("edition", ["uscc", "rule"]),
    "peer_medians": ("edition", ["stage", "indicator_code"]),
    "stages": ("edition", ["stage"]),
    "levels": ("edition", ["indicator_code", "level"]),
}


def with_more_points(points: int, which: str) -> str:
    return f"update points set points = coalesce(points, 0) + {points} where {which};"  # noqa: S608  # of this file


def seal_one(data_dir, edition_id, changes, followed=None, more=None, ruleset="national-2024"):
    candidate = make_candidate(data_dir, f"run-{edition_id}", changes=changes)
    then = {name: tagged for name, tagged in TAGGED.items() if name not in MORE}
    write_target(candidate, then | (more or {}))
    facts = EditionFacts(
        edition_id, AS_OF, ruleset, "cd" * 32, "ef" * 32, (input_batch(),), followed, "nightly", "01" * 32, CODE
    )
    build = BuildReport({"success": 7}, 7, 9, (), (), candidate.logs / "build.txt")
    verdict = {"state": "passed", "checks": []}
    sealed = seal(data_dir, candidate, facts, verdict, build, landing={}, published_manifest_sha256=None)
    point_current(data_dir, edition_id)
    return sealed.path
