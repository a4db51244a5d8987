"""The models of a folder, rendered without dbt and run on DuckDB over given rows: a case costs milliseconds."""

# ruff: noqa: S608  # SQL over a test's own tables

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import yaml

from ledger.settings import PROJECT_DIR

PROJECT = PROJECT_DIR / "dbt_project"
SEEDS = PROJECT / "seeds" / "programme"
Rows = Sequence[Mapping[str, Any]]

# What the models read of the rest of the project, with the columns they use.
UPSTREAM: Mapping[str, str] = {
    "int_codes__redirected": "code varchar, uscc varchar, is_of_branch boolean",
    "int_codes__resolved": "code varchar, uscc varchar, decided_as varchar",
    "enterprise_facts": "uscc varchar, score decimal(20, 6), rank_overall decimal(20, 6)",
    "product_offers": (
        "uscc varchar, product_id varchar, version varchar, bank varchar, name_zh varchar, name_en varchar, "
        "decision varchar, is_marketed boolean, unpriced_reason varchar, limit_fen bigint, answer_days integer, "
        "rate_pct decimal(10, 4), term_months integer, failing_zh varchar, failing_en varchar, gap decimal(20, 6)"
    ),
    "pool_positions": "pool_id varchar, scope varchar, party varchar, line varchar",
    "int_enterprises__eligibility": (
        "uscc varchar, parent_uscc varchar, status varchar, zone_member_from date, zone_member_to date"
    ),
    "credit_events": ("uscc varchar, event_type varchar, has_basis boolean, may_be_repaired boolean, decided_on date"),
    "int_grades__latest": "uscc varchar, grade varchar, published_on date",
    "int_evaluations__latest": "uscc varchar, grade varchar, batch_month date",
    "int_refusals__resolved": "uscc varchar, source varchar, dataset varchar",
    "ruleset_in_force": "as_of date",
    "supply": "source varchar, dataset varchar, is_supplied boolean, coverage varchar",
    "pipeline.refusals": "source varchar, dataset varchar, uscc varchar, name varchar",
}


class _Adapter:
    """Finds the implementation of a macro for DuckDB, as dbt's adapter does."""

    def __init__(self, macros: Mapping[str, Any]) -> None:
        self._macros = macros

    def dispatch(self, name: str, _package: str) -> Any:
        return self._macros[f"duckdb__{name}"]


class _OfDbt:
    """The few macros of dbt itself that the models call."""

    @staticmethod
    def dateadd(part: str, count: int, day: str) -> str:
        return f"({day} + interval ({count}) {part})"

    @staticmethod
    def datediff(first: str, second: str, part: str) -> str:
        return f"date_diff('{part}', {first}, {second})"

    @staticmethod
    def listagg(text: str, separator: str, order: str) -> str:
        return f"string_agg({text}, {separator} {order})"


def _environment() -> tuple[jinja2.Environment, dict[str, Any]]:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701  # SQL, not HTML
    macros: dict[str, Any] = {}
    environment.globals |= {
        "ref": str,
        "source": lambda source, dataset: f'"{source}.{dataset}"',
        "config": lambda **_: "",
        "return": lambda text: text,
        "adapter": _Adapter(macros),
        "dbt": _OfDbt,
        "graph": {},
        "project_name": "jifen",
    }
    texts = [path.read_text(encoding="utf-8") for path in sorted((PROJECT / "macros").glob("*.sql"))]
    for _ in range(2):  # Once to know their names, once more so that each finds the others.
        for text in texts:
            if "{% materialization" in text:  # A tag of dbt's own: how tables are made, not what stands in them.
                continue
            module = environment.from_string(text).module
            macros |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
        environment.globals |= {name: macro for name, macro in macros.items() if name != "return"}
    environment.globals["lending_banks"] = lambda: ["bank_a", "bank_b"]  # Which dbt reads off its graph.
    return environment, macros


_RENDERER, _ = _environment()


def rendered(path: Path) -> str:
    """The SQL of a model."""
    return _RENDERER.from_string(path.read_text(encoding="utf-8")).render()


def seed_schemas() -> dict[str, dict[str, str]]:
    """The columns and types of each seed of the programme that these models read."""
    found = {}
    for name in ("programme", "subsidies", "pool", "market"):
        for seed in yaml.safe_load((SEEDS / f"_{name}__seeds.yml").read_text(encoding="utf-8"))["seeds"]:
            if name != "programme" or seed["name"] == "products":
                found[seed["name"]] = seed["config"]["column_types"]
    return found


def seed_rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed as they ship."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def feed_schemas() -> dict[str, dict[str, str]]:
    """The columns and types of each dataset that the models read, and what landing adds."""
    found = {}
    added = {"_learned_on": "date", "_raw_sha256": "varchar", "_position": "integer"}
    for name in ("finance", "tax", "science", "bank_a", "bank_b"):
        file = yaml.safe_load((PROJECT_DIR / "connectors" / "sources" / f"{name}.yml").read_text(encoding="utf-8"))
        for table in file["sources"][0]["tables"]:
            columns = {column["name"]: column["data_type"] for column in table["columns"]}
            found[f"{name}.{table['name']}"] = columns | added
    return found


FEEDS, SEED_TYPES = feed_schemas(), seed_schemas()
MODELS: Mapping[str, Sequence[str]] = {
    "subsidies": (
        "int_loans__reported",
        *("subsidy_movements", "subsidy_claims_known", "subsidy_revenues", "subsidy_segments", "subsidy_entries"),
        *(
            "subsidy_payments_known",
            "subsidy_members",
            "subsidy_facts",
            "subsidy_checks",
            "subsidy_lines",
            "subsidy_pay_list",
            "subsidy_statements",
        ),
    ),
    "pool": ("subsidy_movements", "pool_guarantees", "pool_claims", "pool_shares", "pool_positions"),
    "market": (
        *("int_consents__given", "working_days", "market_needs", "market_steps", "need_states", "market_events"),
        *("bank_answers", "need_offers", "bank_prospects", "need_feedback", "market_problems"),
    ),
}


def _create(connection: duckdb.DuckDBPyConnection, name: str, types: str, rows: Rows) -> None:
    connection.execute(f'create table "{name}" ({types})')
    columns = sorted({column for row in rows for column in row})
    if not columns:
        return
    texts = {c: [None if row.get(c) in (None, "") else str(row[c]) for row in rows] for c in columns}
    given = pa.table({column: pa.array(cells, pa.string()) for column, cells in texts.items()})
    connection.register("given", given)
    connection.execute(f'insert into "{name}" by name select * from given')
    connection.unregister("given")


def run(folder: str, given: Mapping[str, Rows], seeds: Mapping[str, Rows] | None = None) -> duckdb.DuckDBPyConnection:
    """Build the models of a folder over given rows, by relation (`finance.leases`, `supply`); what is absent is empty.

    `seeds` replaces rows of seeds, by name; the others are as they ship.
    """
    models = _models(folder)
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    for name, types in UPSTREAM.items():
        if name not in models:
            _create(connection, name, types, given.get(name, ()))
    for name, columns in FEEDS.items():
        if name in given or any(name in sql for sql in models.values()):
            _create(connection, name, ", ".join(f"{c} {t}" for c, t in columns.items()), given.get(name, ()))
    for name, columns in SEED_TYPES.items():
        if any(name in sql for sql in models.values()):
            rows = (seeds or {}).get(name, seed_rows(name))
            _create(connection, name, ", ".join(f"{c} {t}" for c, t in columns.items()), rows)
    for name, sql in models.items():
        connection.execute(f"create table {name} as {sql}")
    return connection


@cache
def _models(folder: str) -> dict[str, str]:
    """The SQL of each model of a folder, in their order."""
    return {name: rendered(next((PROJECT / "models").rglob(f"{name}.sql"))) for name in MODELS[folder]}


def records(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query, by column."""
    found = connection.execute(query)
    names = [name for name, *_ in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def everything_supplied() -> Iterable[Mapping[str, Any]]:
    """Rows of `supply` that say every dataset covers everybody."""
    pairs = [("credit", "events"), ("credit", "evaluations"), ("tax", "credit_grades"), ("science", "titles")]
    return [{"source": s, "dataset": d, "is_supplied": True, "coverage": "full"} for s, d in pairs]
