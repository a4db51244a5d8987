"""Running suites through Great Expectations over a DuckDB file, and reading their results."""

import logging
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from expectations.census import CheckAnswer, Place, one_line
from expectations.names import Names, NameUnknownError
from expectations.suites import GateCheck, Suite

DEFAULT_SCHEMA = "main"
# One of the library's modules sets its own level, and would log each night a folder that it made and removed.
CHATTY = ("great_expectations", "great_expectations.data_context.types.base")

UNUSED = ("altair", "boto3", "scipy.stats")
"""Modules that the library imports for expectations and stores that our suites do not use: a third of its CPU seconds.

They are imported at their first use.
"""


class _PutOff(ModuleType):
    """Stands for a module until its first attribute is read."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_gx() -> Any:
    """Import Great Expectations: it takes seconds, and only the gate needs it."""
    put_off = [_PutOff(name) for name in UNUSED if name not in sys.modules]
    sys.modules.update({one.__name__: one for one in put_off})
    try:
        return import_module("great_expectations")
    finally:
        for one in put_off:
            if sys.modules.get(one.__name__) is one:
                del sys.modules[one.__name__]


def run_suites(warehouse: Path, names: Names, suites: list[Suite]) -> dict[Place, CheckAnswer]:
    """Run every expectation of `suites`; results by table and check name, without those that gave no result."""
    gx = import_gx()
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    # The path goes by connect_args: in a URL, "?", "$" and "%" of a folder's name would be read as something else.
    source = context.data_sources.add_sql(
        "candidate",
        connection_string="duckdb:///:memory:",
        kwargs={
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "connect_args": {"database": str(warehouse), "read_only": True},
        },
    )
    answers: dict[Place, CheckAnswer] = {}
    try:
        for suite in suites:
            answers.update(_run_suite(source, names, suite))
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
    return answers


def _run_suite(source: Any, names: Names, suite: Suite) -> dict[Place, CheckAnswer]:
    import great_expectations as gx

    answers: dict[Place, CheckAnswer] = {}
    runnable = []
    for check in suite.checks:
        try:
            runnable.append(_expectation(check))
        except Exception as error:  # noqa: BLE001  # whatever the library raises here, it is the result of this check
            answers[suite.table, check.name] = CheckAnswer(False, None, "", one_line(error))
    try:
        # A schema is named only for a table outside the default one: the library expects the connection's.
        schema = names.schemas.get(suite.table)
        place = {} if schema in (None, DEFAULT_SCHEMA) else {"schema_name": schema}
        asset = source.add_table_asset(suite.table, table_name=suite.table, **place)
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        results = batch.validate(gx.ExpectationSuite(name=suite.table, expectations=runnable)).results
    except Exception as error:  # noqa: BLE001  # a table it cannot open fails its checks, and leaves the others theirs
        broken = CheckAnswer(False, None, "", one_line(error))
        return {(suite.table, check.name): broken for check in suite.checks} | answers
    for result in results:
        answers[suite.table, str(result.expectation_config.meta["check"])] = _answer(result)
    return answers


def _expectation(check: GateCheck) -> Any:
    import great_expectations.expectations as gxe

    kind: Any = getattr(gxe, check.expectation or "", None)
    if kind is None:
        raise NameUnknownError(f"Great Expectations has no {check.expectation}")
    return kind(**check.kwargs, meta={"check": check.name}, severity=check.severity)


def _answer(result: Any) -> CheckAnswer:
    found = dict(result.result or {})
    raised = _exception(dict(result.exception_info or {}))
    looked_at = None
    if found.get("element_count") is not None:
        looked_at = int(found["element_count"]) - int(found.get("missing_count") or 0)
    if found.get("unexpected_count") is not None:
        observed = f"{found['unexpected_count']} unexpected"
    elif "observed_value" in found:
        observed = f"observed {found['observed_value']}"
    else:
        observed = ""
    return CheckAnswer(bool(result.success), looked_at, observed, raised)


def _exception(info: dict[str, Any]) -> str | None:
    # One exception comes flat; exceptions of a check's metrics come one dictionary each, under the metric's name.
    each = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    raised = [str(entry.get("exception_message") or "raised") for entry in each if entry.get("raised_exception")]
    return " ".join(sorted(raised)[0].split())[:500] if raised else None
