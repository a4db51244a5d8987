"""A candidate of six enterprises and two indicators, as dbt would leave it."""

import json
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

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
create table ruleset_in_force as
select 'national-2024' as ruleset_id, date '2025-06-30' as as_of, 2024 as reporting_year;

create table indicators as
select *, 'core' as module
from (values ('C01', '研发费用金额', 'R&D expense', '万元'), ('C09', '营业收入', 'Operating revenue', '万元'))
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
    'growth' as stage, null::varchar as gap, 'left_out' as treatment, 'step' as function, 1 as segment,
    cast(case when is_missing then null else n * 100.5 end as decimal(20, 6)) as position, null::bigint as peers,
    cast(0 as decimal(18, 6)) as deduction, null::varchar as best_of,
    'national-2024' as ruleset_id
from (select uscc, cast(right(uscc, 1) as integer) as n from enterprises where is_eligible) e
cross join indicators i
join weights w
    on w.indicator_code = i.indicator_code
cross join lateral (select e.n = 6 and i.indicator_code = 'C01' as is_missing);

create table reasons as
select uscc, indicator_code, points, coalesce(points_maximum - points, 0) as points_lost, points_maximum, is_counted,
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
    s.uscc, e.enterprise_name, e.stage, 'revenue' as stage_basis, e.industry_code, '制造业' as industry_name,
    'national-2024' as ruleset_id, date '2025-06-30' as as_of,
    2024 as reporting_year, false as is_vetoed,
    cast(points_total as decimal(18, 6)) as points_total,
    cast(points_total as decimal(18, 6)) as core_points, cast(0 as decimal(18, 6)) as local_points,
    cast(points_available as decimal(18, 6)) as points_available,
    cast(points_maximum as decimal(18, 6)) as points_maximum,
    cast(exact_score as decimal(9, 4)) as score, true as is_ranked, null::varchar as unranked_reason,
    rank() over (order by exact_score desc) as rank_overall, count(*) over () as peers_overall,
    rank() over (order by exact_score desc) as rank_in_stage, count(*) over () as peers_in_stage,
    rank() over (order by exact_score desc) as rank_in_industry, count(*) over () as peers_in_industry,
    count(*) over (partition by exact_score) as tied_overall,
    cast(100.0 * (count(*) over () - rank() over (order by exact_score desc) - count(*) over (partition
    by exact_score) + 1)
        / nullif(count(*) over () - 1, 0) as decimal(9, 2)) as percentile,
    cast(100.0 * (count(*) over () - rank() over (order by exact_score desc) - count(*) over (partition
    by exact_score) + 1)
        / nullif(count(*) over () - 1, 0) as decimal(9, 2)) as percentile_in_stage,
    null::boolean as is_passed, null::varchar as passed_by, null::varchar as costliest,
    'B' as credit_grade, cast(s.uscc like '%1' as bigint) * 4 as active_credit_events
from scored s join enterprises e using (uscc);

create table unfound_records(source varchar, dataset varchar, record_no varchar, names_what varchar);
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
    r.peers_overall, r.rank_in_stage, r.peers_in_stage, r.as_of, r.ruleset_id, r.stage, r.points_available,
    r.points_maximum,
    '20M-200M' as revenue_band
from (values
    ('bank_a', 'S-1', date '2025-01-01', date '2025-12-31', null::date, 'score,band', '91441300MA00000001'),
    ('bank_a', 'S-2', date '2025-01-01', null, date '2025-07-10', 'score', '91441300MA00000002'),
    ('bank_b', 'S-3', date '2025-01-01', null, null, 'score', '91441300MA00000003')
) c(recipient, consent_id, consent_valid_from, consent_valid_to, consent_withdrawn_on, data_classes, uscc)
join rankings r using (uscc);
"""

BESIDE = """
create view int_enterprises__staged as
select row_number() over (order by uscc) as enterprise_id, uscc, enterprise_name, industry_code,
    '制造业' as industry_name,
    'national-2024' as ruleset_id, date '2025-06-30' as as_of, 2024 as reporting_year, stage, 'revenue' as stage_basis,
    cast(30000000 as decimal(20, 2)) as operating_revenue_cny
from enterprises;

create table ruleset_stages as
select 'national-2024' as ruleset_id, 'growth' as stage, 20000000 as revenue_low_cny, true as inclusive_low,
    200000000 as revenue_high_cny, false as inclusive_high;

create view credit_standing as select uscc, credit_grade, active_credit_events from rankings;
create view ranks as select uscc, is_passed, passed_by from rankings;
create table top_reasons as select '' as uscc, 1 as loss_rank, '' as indicator_code where false;
create view explained as from reasons;

create view segments as
select row_number() over (order by uscc, indicator_code) as segment_id, * exclude (uscc, value, points, peers,
    position, share)
from points;
create view scores as
select e.enterprise_id, row_number() over (order by p.uscc, p.indicator_code) as segment_id, p.value, p.points, p.peers,
    p.position as percentile, null::decimal(18, 6) as points_maximum
from points p join int_enterprises__staged e using (uscc);

create view int_consents__given as
select consent_id, uscc, recipient, purpose, data_classes, consent_valid_from as valid_from,
    consent_valid_to as valid_to,
    consent_withdrawn_on as withdrawn_on
from ext_bank__scores;
delete from bank_prospects;
delete from need_feedback where problem is null;

create or replace table credit_reports as
select c.*, r.score, r.points_available, r.rank_in_stage, r.peers_in_stage, r.credit_grade,
    null::varchar as strengths_zh,
    null::varchar as losses_zh, 0 as dishonesty_entries, 0 as published_penalties, true as is_in_good_standing
from credit_reports c left join rankings r using (uscc);

create view ext_bank__credit_reports as
select x.* exclude (score, points_available, rank_overall, peers_overall, rank_in_stage, peers_in_stage,
    points_maximum, revenue_band),
    r.* exclude (uscc), null::varchar as figure_bands, null::varchar as figures
from ext_bank__scores x left join credit_reports r using (uscc);
"""
"""What the suites compare with: made of the tables above as they stand after a test's changes."""

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
    "credit_reports": ("edition", ["uscc"]),
    "ext_bank__scores": ("extract", ["consent_id"]),
}


def make_candidate(data_dir: Path, run_id: str = "run-1", changes: str = "") -> Candidate:
    """A built candidate under `data_dir`; `changes` is SQL run over its tables before they are looked at."""
    candidate = new_candidate(data_dir, run_id)
    candidate.warehouse.write_bytes(unchanged())
    fill(candidate, changes)
    return candidate


@cache
def unchanged() -> bytes:
    """The warehouse before a test's changes, made once; in small blocks, since each of its tables takes a few."""
    with TemporaryDirectory() as folder:
        with duckdb.connect(f"{folder}/candidate.duckdb", config={"default_block_size": 16384}) as connection:
            # What is compared is as it was before a test's changes, but for credit, which has no other origin here.
            connection.execute(TABLES + PROGRAMME + BESIDE)
        return Path(folder, "candidate.duckdb").read_bytes()


def fill(candidate: Candidate, sql: str) -> None:
    """Make the tables of a candidate in place of dbt, and what sealing reads of dbt's."""
    if sql:
        with duckdb.connect(str(candidate.warehouse)) as connection:
            connection.execute(sql)
    write_target(candidate, TAGGED)


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
    inputs, stale = changes.pop("inputs", (input_batch(),)), changes.pop("stale", {})
    facts = EditionFacts(
        edition_id, AS_OF, "national-2024", "cd" * 32, "ef" * 32, inputs, None, "nightly", "01" * 32, CODE, stale
    )
    build = BuildReport({"success": 7, "pass": 9}, 7, 9, (), (), candidate.logs / "build.txt")
    rest = {"landing": {"refused": {"uscc_length": 1}}, "published_manifest_sha256": None} | changes
    return seal(data_dir, candidate, facts, {"state": state, "checks": []}, build, **rest)
