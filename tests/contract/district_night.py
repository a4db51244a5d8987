"""The models of the district's night again over other inputs, without dbt."""

# ruff: noqa: S608  # SQL over a test's own tables

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from editions.candidate import Candidate


@dataclass(frozen=True)
class DistrictNight:
    """A built candidate of the district, what dbt compiled for it, and what is true of it."""

    candidate: Candidate
    as_of: date
    truth: Mapping[str, Any] = field(repr=False)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the warehouse that dbt built."""
        with duckdb.connect(str(self.candidate.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    @contextmanager
    def replayed(
        self,
        inputs: Path | None = None,
        *,
        given: Mapping[str, str] | None = None,
        only: Sequence[str] = (),
        asked: Sequence[str] = (),
        threads: int = 2,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run the models that dbt compiled, in their order, over other inputs.

        `inputs` is a folder laid out as the night's; `given` are relations made by SQL in place of the models of those
        names; `only` runs no model but these, upon copies of what they read; `asked` none but what these are made of.
        """
        with duckdb.connect() as connection:
            connection.execute(f"set threads = {threads}; set preserve_insertion_order = false")
            connection.execute(f"set file_search_path = '{(inputs or self.candidate.inputs).parent}'")
            # Under the name it was built by, which its own views know it by; what is compiled is run without that name.
            built = self.candidate.warehouse.stem
            connection.execute(f"attach '{self.candidate.warehouse}' as {built} (read_only)")
            for node in self._ordered(asked):
                name = node["alias"]
                if given and name in given:
                    connection.execute(f"create table {name} as {given[name]}")
                elif node["resource_type"] == "seed" or (only and name not in only):
                    connection.execute(f"create view {name} as select * from {built}.{name}")
                else:
                    kind = "table" if node["config"]["materialized"] == "table" else "view"
                    connection.execute(f"create {kind} {name} as {self._sql(node)}")
            yield connection

    @cached_property
    def _nodes(self) -> dict[str, dict[str, Any]]:
        nodes = json.loads((self.candidate.target / "manifest.json").read_bytes())["nodes"]
        return {key: node for key, node in nodes.items() if node["resource_type"] in ("model", "seed")}

    def _ordered(self, asked: Sequence[str]) -> list[dict[str, Any]]:
        wanted = self._nodes
        ordered: dict[str, dict[str, Any]] = {}

        def visit(key: str) -> None:
            if key in wanted and key not in ordered:
                for parent in wanted[key].get("depends_on", {}).get("nodes", ()):
                    visit(parent)
                ordered[key] = wanted[key]

        for key, node in sorted(wanted.items()):
            if not asked or node["alias"] in asked:
                visit(key)
        return list(ordered.values())

    def _sql(self, node: Mapping[str, Any]) -> str:
        sql = (self.candidate.target / "compiled" / "jifen" / node["original_file_path"]).read_text(encoding="utf-8")
        return sql.replace(f'"{self.candidate.warehouse.stem}".', "")


def copied_inputs(night: DistrictNight, folder: Path) -> Path:
    """A copy of the night's inputs that a test may change."""
    return Path(shutil.copytree(night.candidate.inputs, folder / night.candidate.inputs.name))


def rewrite(inputs: Path, dataset: str, select: str) -> None:
    """Replace a dataset's files by what a query over them, called `landed`, answers."""
    path = inputs / dataset.replace(".", "/")
    with duckdb.connect() as connection:
        connection.execute(
            f"create table landed as select * from read_parquet('{path}/*.parquet', union_by_name = true)"
        )
        for file in path.glob("*.parquet"):
            file.unlink()
        connection.execute(f"copy ({select}) to '{path}/rewritten.parquet' (format parquet)")
