"""A candidate of six enterprises and two indicators, as dbt would leave it."""

import json
from datetime import date
from pathlib import Path

import duckdb

from editions.build import BuildReport
from editions.candidate import Candidate, new_candidate
from editions.provenance import Code
from editions.recipe import InputBatch
from editions.seal import EditionFacts, SealedEdition, seal
from tests.unit.small_programme import PROGRAMME

AS_OF = date(2025, 6, 30)
CODE = Code("9" * 40, True, "0.1.0", "67" * 32, "89" * 32, "45" * 32)

TABLES = """
create table ruleset_in_force as select 'national-2024' as ruleset_id;

create table indicators as
select * from (values ('C01', '研发费用金额', 'R&D expense', '万元'), ('C09', '营业收入', 'Operating revenue', '万元'))
    t(indicator_code, name_zh, name_en, unit);

create table enterprises as
select
    '91441300MA0000000' || i as uscc,
    '甲乙丙丁戊己庚'[i] || '科技有限公司' as enterprise_name,
    date '2015-01-01' as founded_on,
    'active' as status,
    '39' as industry_code,
    'growth' as stage,
    i <> 7 as is_eligible,
    case when i = 7 then 'cancelled' end as ineligible_reason
from range(1, 8) t(i);

create table weights as
select indicator_code, 'growth' as stage, weight, null::varchar as best_of
from (values ('C01', 40::decimal(18, 6)), ('C09', 60::decimal(18, 6))) t(indicator_code, weight);

create table points as
select
    e.uscc,
    i.indicator_code,
    cast(case when is_missing then null else n * 100.5 end as decimal(20, 6)) as value,
    i.unit,
    case when is_missing then 'record_not_supplied' else 'supplied' end as supply_status,
    case when is_missing then null else '[0, 1000)' end as bin,
    cast(case when is_missing then null else n / 10.0 end as decimal(12, 10)) as share,
    cast(case when is_missing then null else w.weight * n / 10 end as decimal(18, 6)) as points,
    w.weight as points_maximum,
    cast(0 as decimal(18, 6)) as points_minimum,
    w.weight,
    not is_missing as is_counted,
    false as is_veto,
    'national-2024' as ruleset_id
from (select uscc, cast(right(uscc, 1) as integer) as n from enterprises where is_eligible) e
cross join indicators i
join weights w
    on w.indicator_code = i.indicator_code
cross join lateral (select e.n = 6 and i.indicator_code = 'C01' as is_missing);

create table reasons as
select uscc, indicator_code, points, points_maximum - points as points_lost, points_maximum,
    '得 ' || coalesce(points::varchar, '0') || ' 分' as reason_zh,
    coalesce(points::varchar, 'no') || ' points' as reason_en
from points;

create table rankings as
with totals as (
    select uscc, sum(points) as points_total, sum(points_maximum) filter (where points is not null) as points_available,
        sum(points_maximum) as points_maximum
    from points group by uscc
), scored as (
    select *, points_total * 100 / points_available as exact_score from totals
)
select
    s.uscc, e.enterprise_name, e.stage, e.industry_code, 'national-2024' as ruleset_id, date '2025-06-30' as as_of,
    2024 as reporting_year, false as is_vetoed,
    cast(points_total as decimal(18, 6)) as points_total,
    cast(points_available as decimal(18, 6)) as points_available,
    cast(points_maximum as decimal(18, 6)) as points_maximum,
    cast(exact_score as decimal(9, 4)) as score, true as is_ranked, null::varchar as unranked_reason,
    rank() over (order by exact_score desc) as rank_overall, count(*) over () as peers_overall,
    rank() over (order by exact_score desc) as rank_in_stage, count(*) over () as peers_in_stage,
    rank() over (order by exact_score desc) as rank_in_industry, count(*) over () as peers_in_industry,
    'B' as credit_grade, cast(s.uscc like '%1' as bigint) * 4 as active_credit_events
from scored s join enterprises e using (uscc);

create table supply as
select * from (values
    ('tax', 'statements', true, 'partial', true, date '2025-06-30', false, 12, 0, null::varchar),
    ('credit', 'events', true, 'full', true, date '2025-06-30', false, 4, 0, null),
    ('science', 'consents', true, 'full', true, date '2025-06-30', false, 3, 0, null),
    ('patent', 'applications', false, 'full', false, null, false, 0, 0, 'declared not supplied')
) t(source, dataset, is_supplied, coverage, is_critical, learned_on, is_stale, rows_landed, rows_refused, reason);

create table identity_names as
select '91110000600037341L' as uscc, '91110000600037341L' as borne_by, '甲科技有限公司' as enterprise_name,
    date '2015-01-01' as valid_from, null::date as valid_to;

create table identity_review as
select 'patent' as source, 'applications' as dataset, 99 as settled_count, 1 as unresolved_count, 0 as ambiguous_count,
    0 as unlisted_count, 99.0000 as settled_pct;

create table evidence as
select uscc, indicator_code, 'tax' as source, 'statements' as dataset, uscc || '|2024' as record_ref,
    date '2025-05-01' as dated_on, date '2025-06-30' as learned_on, value as quantity, null::varchar as level,
    repeat('ab', 32) as raw_sha256, 0::bigint as raw_position
from points where value is not null;

create table data_flags as
select '' as uscc, 'Q9' as rule, 'warning' as severity, '' as detail_zh, '' as detail_en where false;

create table ext_bank__scores as
select c.*, '授信评估' as purpose, r.enterprise_name, r.score, r.points_total, r.rank_overall,
    r.peers_overall, r.rank_in_stage, r.peers_in_stage
from (values
    ('bank_a', 'S-1', date '2025-01-01', date '2025-12-31', null::date, 'score,band', '91441300MA00000001'),
    ('bank_a', 'S-2', date '2025-01-01', null, date '2025-07-10', 'score', '91441300MA00000002'),
    ('bank_b', 'S-3', date '2025-01-01', null, null, 'score', '91441300MA00000003')
) c(recipient, consent_id, consent_valid_from, consent_valid_to, consent_withdrawn_on, data_classes, uscc)
join rankings r using (uscc);
"""

TAGGED = {
    "rankings": ("edition", ["uscc"]),
    "points": ("edition", ["uscc", "indicator_code"]),
    "reasons": ("edition", ["uscc", "indicator_code"]),
    "enterprises": ("edition", ["uscc"]),
    "indicators": ("edition", []),
    "supply": ("edition", ["source", "dataset"]),
    "identity_names": ("edition", []),
    "identity_review": ("edition", ["source", "dataset"]),
    "evidence": ("edition", ["uscc", "indicator_code", "source", "dataset", "record_ref"]),
    "data_flags": ("edition", ["uscc", "rule"]),
    "ext_bank__scores": ("extract", ["consent_id"]),
}


def make_candidate(data_dir: Path, run_id: str = "run-1", changes: str = "") -> Candidate:
    """A built candidate under `data_dir`; `changes` is SQL run over its tables before they are looked at."""
    candidate = new_candidate(data_dir, run_id)
    with duckdb.connect(str(candidate.warehouse)) as connection:
        connection.execute(TABLES + PROGRAMME + changes)
    write_target(candidate, TAGGED)
    return candidate


def write_target(candidate: Candidate, tagged: dict[str, tuple[str, list[str]]]) -> None:
    """The part of dbt's manifest that sealing reads."""
    nodes = {
        f"model.jifen.{name}": {
            "resource_type": "model",
            "alias": name,
            "schema": "main",
            "tags": [tag],
            "description": f"The {name}.\n  One row per thing.",
            "config": {"meta": {"key": key} | ({"workbook": ["rank_overall"]} if name == "rankings" else {})},
        }
        for name, (tag, key) in tagged.items()
    }
    (candidate.target / "manifest.json").write_text(json.dumps({"nodes": nodes}))


def input_batch(**changes) -> InputBatch:
    whole = {
        "source": "tax",
        "dataset": "statements",
        "is_supplied": True,
        "batches": ("2025-06-30-001",),
        "told_by": "2025-06-30-001",
        "hashes": ("ab" * 32,),
        "raw": (("12" * 32, "34" * 32),),
        "content_sha256": "ab" * 32,
        "rows_landed": 12,
        "rows_refused": 0,
        "learned_on": AS_OF,
        "is_stale": False,
        "reason": None,
    }
    return InputBatch(**whole | changes)


def seal_small(
    data_dir: Path, candidate: Candidate, edition_id: str = "2025-06-30-abc", state: str = "passed", **changes
) -> SealedEdition | None:
    facts = EditionFacts(
        edition_id, AS_OF, "national-2024", "cd" * 32, "ef" * 32, (input_batch(),), None, "nightly", "01" * 32, CODE
    )
    build = BuildReport({"success": 7, "pass": 9}, 7, 9, (), (), candidate.logs / "build.txt")
    rest = {"landing": {"refused": {"uscc_length": 1}}, "published_manifest_sha256": None} | changes
    return seal(data_dir, candidate, facts, {"state": state, "checks": []}, build, **rest)
