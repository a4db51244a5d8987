"""An agency is added as `docs/adding.md` says: one source file, and models where it is to be scored. No Python."""

# ruff: noqa: S608  # SQL over a test's own tables

import re
import shutil
import textwrap
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.columns import declared_schema
from connectors.identity_decisions import addresses
from connectors.landing import LINEAGE
from connectors.refusals import identity_of
from connectors.source_files import read_source, read_sources
from connectors.spec import Column, Source
from editions.build import build_upon
from editions.candidate import Candidate, new_candidate
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from ledger.settings import PROJECT_DIR
from tests.contract.district_night import DistrictNight, rewrite
from tests.contract.test_adding_an_indicator import merge_seed, project  # noqa: F401  # a fixture

META = """
              critical: false
              coverage: full
              load: snapshot
              key: [{key}]
              request: {{path: /{key}}}
              paginator: {{kind: page_number, page_param: page, size_param: size, size: 500, total: total}}
              decoder: {{kind: json, records: items}}
              volume: {{floor: 1, ceiling: 5000}}
              freshness: {{unwatched: it has no day}}
              continuity: {{shrink_pct: 20}}
"""
LAND = f"""version: 2
sources:
  - name: land
    description: 自然资源局 land bureau. Keyed by name, code or its own number.
    config:
      meta:
        agency: {{zh: 自然资源局, en: Land bureau}}
        driver: rest
        connection: {{base_url: {{env: LAND_BASE_URL}}, auth: {{kind: none}}}}
    tables:
      - name: leases
        description: 租赁. One row per lease.
        config:
          meta: {META.format(key="lease_no")}
        columns:
          - {{name: lease_no, data_type: varchar, config: {{meta: {{field: leaseNo, required: true}}}}}}
          - {{name: code, data_type: varchar, config: {{meta: {{field: code, check: enterprise_code}}}}}}
          - {{name: lessee, data_type: varchar, config: {{meta: {{field: by, names: enterprise, named_on: let_on}}}}}}
          - {{name: let_on, data_type: date, config: {{meta: {{field: letOn}}}}}}
      - name: meters
        description: 水表. One row per meter.
        config:
          meta: {META.format(key="meter_no")}
        columns:
          - {{name: meter_no, data_type: varchar, config: {{meta: {{field: meterNo, required: true}}}}}}
          - {{name: customer_no, data_type: varchar, config: {{meta: {{field: customerNo, identifies: enterprise}}}}}}
"""
STAGING = "with source as (select * from {{{{ source('land', '{0}') }}}})\n\nselect * from source\n"


@pytest.fixture
def land(project: Path) -> Source:  # noqa: F811
    """The land bureau's one YAML, and staging SQL of each of its datasets."""
    path = project / "connectors" / "sources" / "land.yml"
    path.write_text(LAND, encoding="utf-8")
    staging = project / "dbt_project" / "models" / "staging" / "land"
    staging.mkdir()
    for dataset in ("leases", "meters"):
        (staging / f"stg_land__{dataset}.sql").write_text(STAGING.format(dataset), encoding="utf-8")
    return read_source(path)


def laid_out(night: DistrictNight, folder: Path, source: Source, rows: dict[str, str]) -> Candidate:
    """The night's inputs, with rows of a further agency beside them."""
    candidate = new_candidate(folder, "added")
    shutil.copytree(night.candidate.inputs, candidate.inputs, dirs_exist_ok=True)
    for dataset in source.datasets:
        path = candidate.inputs / source.name / dataset.name
        path.mkdir(parents=True)
        pq.write_table(pa.schema([*declared_schema(dataset), *LINEAGE]).empty_table(), path / "landed.parquet")
        select = f"select * from landed union all by name select * from (values {rows[dataset.name]}) as t"
        rewrite(candidate.inputs, dataset.address, f"{select}({', '.join(column.name for column in dataset.columns)})")
    return candidate


def test_records_of_a_new_agency_are_known_by_code_name_and_number_and_its_refusals_count(
    project: Path,  # noqa: F811
    land: Source,
    night: DistrictNight,
    tmp_path: Path,
) -> None:
    (one, name), (other, joint), (third, numbered) = night.rows(
        "select uscc, enterprise_name from enterprises where is_eligible and uscc not in "
        "(select uscc from int_names__dated group by uscc having count(*) > 1) order by uscc limit 3"
    )
    refused = identity_of(land.dataset("leases"), {"leaseNo": "", "by": numbered})
    assert (refused.uscc, refused.name) == (None, numbered)
    ((number,),) = night.rows(
        f"select min(identifier) from int_mentions__resolved where dataset = 'headcounts' and uscc = '{third}'"
    )
    candidate = laid_out(
        night,
        tmp_path,
        land,
        {
            "leases": f"('1', null, '{name}；{joint}', date '2024-05-01'), ('2', '{one[8:17]}', '无人公司', null), "
            f"('3', null, '无人公司', null), ('4', null, '；', null), ('5', '91441300MA4NOBODY9', null, null)",
            "meters": f"('1', '{number}'), ('2', '{number}'), ('3', null)",
        },
    )
    rewrite(
        candidate.inputs,
        "pipeline.refusals",
        "select * from landed union all by name "
        f"select 'land' as source, 'leases' as dataset, '{refused.name}' as name, 1 as records",
    )
    build_upon(candidate, night.as_of, project, tmp_path / "parse", ("+unmatched_records", "+int_refusals__resolved"))
    with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
        mentions = connection.execute(
            "select dataset, record_ref, uscc, record_count from int_mentions__resolved "
            "where source = 'land' order by all"
        ).fetchall()
        unmatched = connection.execute(
            "select dataset, identifier, reason from unmatched_records where source = 'land' order by all"
        ).fetchall()
        touched = connection.execute(
            "select dataset, uscc from int_refusals__resolved where source = 'land'"
        ).fetchall()
    assert mentions == [
        ("leases", "1", one, 1),
        ("leases", "1", other, 1),
        ("leases", "3", None, 1),
        ("meters", number, third, 2),
    ]
    assert unmatched == [("leases", "91441300MA4NOBODY9", "unknown"), ("leases", "无人公司", "unknown")]
    assert touched == [("leases", third)]
    assert {"land.leases", "land.meters"} <= addresses([land])


EXAMPLE = PROJECT_DIR / "docs" / "examples" / "new-agency-indicator"
PAGE = PROJECT_DIR / "docs" / "adding.md"


def add_the_indicator(project: Path) -> Source:  # noqa: F811
    """The bureau of the page, and all that the example puts beside it; the two lists are changed by hand."""
    (block,) = re.findall(r"```yaml\n( +version: 2\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    source = project / "connectors" / "sources" / "land.yml"
    source.write_text(textwrap.dedent(block), encoding="utf-8")
    models = project / "dbt_project" / "models"
    for name, room in (
        ("int_counted__leases.sql", "intermediate"),
        ("ind_space.sql", "indicators"),
        ("_space__models.yml", "indicators"),
    ):
        shutil.copy(EXAMPLE / name, models / room / name)
    for change in EXAMPLE.glob("*.csv"):
        merge_seed(project / "dbt_project" / "seeds" / "rulesets" / change.name, change)
    return read_source(source)


def test_an_indicator_of_a_new_agency_is_scored_and_has_its_records(
    project: Path,  # noqa: F811
    night: DistrictNight,
    tmp_path: Path,
) -> None:
    land = add_the_indicator(project)
    place = Place(project, tmp_path / "data")
    forgotten = {one.row_key for one in problems_of(read_seeds(place.dbt_project), place)}
    assert forgotten == {"ind_space", "int_counted__leases"}
    for name, model in (
        ("macros/scoring/measured_columns.sql", "'ind_credit'"),
        ("models/marts/evidence.sql", "'int_counted__credit'"),
    ):
        path = place.dbt_project / name
        added = "'ind_space'" if model == "'ind_credit'" else "'int_counted__leases'"
        path.write_text(path.read_text(encoding="utf-8").replace(model, f"{model}, {added}", 1), encoding="utf-8")
    assert problems_of(read_seeds(place.dbt_project), place) == []
    (one, name), (other, _), (third, _) = night.rows(
        "select uscc, enterprise_name from enterprises where is_eligible and uscc not in "
        "(select uscc from int_names__dated group by uscc having count(*) > 1) order by uscc limit 3"
    )
    leases = (
        f"('1', '{one}', null, date '2024-05-01', 1000), ('2', null, '{name}', date '2024-05-01', 1500), "
        f"('3', '{one}', null, date '2099-01-01', 9), ('4', '{other}', null, date '2024-05-01', 9000), "
        f"('5', '{third}', null, date '2024-05-01', 9), ('6', '{third}', null, date '2024-05-01', null)"
    )
    candidate = laid_out(night, tmp_path, land, {"leases": leases})
    supplied = "'land' as source, 'leases' as dataset, true as is_supplied, 'partial' as coverage"
    rewrite(candidate.inputs, "pipeline.supply", f"select * from landed union all by name select {supplied}")
    build_upon(candidate, night.as_of, project, tmp_path / "parse", ("+points", "+evidence", "+rankings"))
    with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
        scored = connection.execute(
            "select uscc, supply_status, value::int, points = points_maximum from points "
            f"where indicator_code = 'C20' and uscc in ('{one}', '{other}', '{third}') order by uscc"
        ).fetchall()
        (others,) = connection.execute(
            "select list(distinct supply_status) from points "
            f"where indicator_code = 'C20' and uscc not in ('{one}', '{other}', '{third}')"
        ).fetchone() or ((),)
        evidence = connection.execute(
            "select uscc, record_ref, quantity::int from evidence where indicator_code = 'C20' order by all"
        ).fetchall()
    assert scored == [
        (one, "supplied", 2500, False),
        (other, "supplied", 9000, True),
        (third, "value_not_supplied", None, None),
    ]
    assert others == ["record_not_supplied"]
    assert evidence == [(one, "1", 1000), (one, "2", 1500), (other, "4", 9000), (third, "5", 9), (third, "6", None)]


def test_a_decision_may_be_made_where_the_models_look_codes_names_and_numbers_up_and_nowhere_else(
    night: DistrictNight,
) -> None:
    (compiled,) = (night.candidate.target / "compiled").rglob("int_mentions__sent.sql")
    looked_up = re.findall(r"'(\w+)' as source,\s+'(\w+)' as dataset", compiled.read_text(encoding="utf-8"))
    assert addresses(read_sources()) == {".".join(pair) for pair in looked_up}


@pytest.mark.parametrize(
    ("said", "names", "identifies"),
    [
        ({"name": "enterprise_name"}, "enterprise", None),
        ({"name": "unit_no"}, None, "enterprise"),
        ({"name": "event_no"}, None, "event"),
        ({"name": "tenant"}, None, None),
        ({"name": "name", "identifies": "event"}, None, "event"),
    ],
)
def test_a_column_written_before_it_could_say_whom_it_is_about_is_read_by_its_name(
    said: dict[str, str], names: str | None, identifies: str | None
) -> None:
    column = Column.model_validate({"data_type": "varchar", "source_field": "x", **said})
    assert (column.names, column.identifies) == (names, identifies)
