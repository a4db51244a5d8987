"""The gate's checks of each table, read from `suites/<table>.yml`."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ledger.yaml_file import read_yaml

SUITES = Path(__file__).resolve().parent / "suites"
EDITION = "edition"
"""The suite that compares a whole edition with the one before it: its checks have limits in place of SQL."""
REQUIRED = ("rankings", "points", "reasons", "supply", "ext_bank__scores", EDITION)
"""The tables that must have a suite: without this list a deleted suite would go unnoticed."""
RULE_CHANGE, NEW_YEAR, CORRECTION, AFTER_OUTAGE, NIGHTLY = CHANGES = (
    "rule_change",
    "new_year",
    "correction",
    "after_outage",
    "nightly",
)
"""Why an edition may differ from the one before it; of several reasons the first counts, which moves most."""
FIGURES = (
    "kendall_tau",
    "places_moved_over_1_pct",
    "places_moved_over_5_pct",
    "places_moved_over_10_pct",
    "scores_moved_over_1_point",
    "scores_moved_over_5_points",
    "first_100_kept_pct",
    "stability_of_scores",
    "stability_of_indicators",
    "entered_pct",
    "left_pct",
)
"""The figures that compare two editions; `expectations.against` computes them."""

AT_LEAST = ("kendall_tau", "first_100_kept_pct")
"""The figures that may not be less than their limit; the others may not be more."""

Severity = Literal["critical", "warning"]


class EditionLimit(BaseModel):
    """How far a figure may go between two editions: beyond `warning` it is reported, beyond `critical` it blocks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: Literal["rule_change", "new_year", "correction", "after_outage", "nightly"]
    warning: float
    critical: float | None = None
    why: str = Field(min_length=8)
    why_zh: str = ""


class GateCheck(BaseModel):
    """One check: a Great Expectations class with its arguments, or SQL that finds the rows that must not exist.

    In SQL, a name in braces is a table of the candidate; `{previous_<table>}` one of the edition that is current, and
    `{text_columns}` all text of a row but its code. `over` is SQL that counts the rows looked at; by default all of
    the table. A check that `needs: previous_edition` does not apply to the first edition of all. A check of
    the suite `edition` has the name of a figure of `expectations.against`, and `limits` for it, one row for each reason
    why an edition may differ from the one before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    severity: Severity
    why: str = Field(min_length=8)
    why_zh: str = ""
    expectation: str | None = None
    kwargs: dict[str, Any] = Field(default_factory=dict)
    sql: str | None = None
    over: str | None = None
    needs: Literal["previous_edition"] | None = None
    limits: tuple[EditionLimit, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if [bool(self.limits), self.expectation is not None, self.sql is not None].count(True) != 1:
            raise ValueError("a check has either `expectation` or `sql` (or, between editions, `limits`)")
        if self.limits and sorted(limit.change for limit in self.limits) != sorted(CHANGES):
            raise ValueError(f"`limits` has one row for each of {', '.join(CHANGES)}")
        sign, most = -1 if self.name in AT_LEAST else 1, 1 if self.name == "kendall_tau" else 100
        for one in self.limits:
            hardest = one.warning if one.critical is None else one.critical
            if not 0 <= min(one.warning, hardest) <= max(one.warning, hardest) <= most:
                raise ValueError(f"a limit of {one.change} is not within 0 and {most}")
            if sign * hardest < sign * one.warning:
                raise ValueError(f"of {one.change} `critical` would block what `warning` only warns of")
        if self.sql is None and self.over is not None:
            raise ValueError("`over` goes with `sql`: an expectation reports its rows itself")
        if self.expectation is None and self.kwargs:
            raise ValueError("`kwargs` goes with `expectation`")
        if self.kwargs.get("mostly") == 0:
            raise ValueError("`mostly: 0` passes whatever it finds")
        if "{previous_" in f"{self.sql} {self.over}" and self.needs is None:
            raise ValueError("SQL over the previous edition needs `needs: previous_edition`")
        return self


class Suite(BaseModel):
    """All checks of one table. `may_be_empty_if` is SQL that returns a row when an empty table is in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    may_be_empty_if: str | None = None
    checks: tuple[GateCheck, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [check.name for check in self.checks]
        if len(set(names)) != len(names):
            raise ValueError("two checks have the same name")
        if self.table == EDITION and sorted(names) != sorted(FIGURES):
            raise ValueError(f"compares {', '.join(FIGURES)}, each with `limits`")
        if any(bool(check.limits) != (self.table == EDITION) for check in self.checks):
            raise ValueError(f"`limits` stand in {EDITION}.yml, and nothing else does")
        return self


def load_suites(folder: Path, required: Collection[str] = REQUIRED) -> tuple[list[Suite], list[str]]:
    """Read every suite in `folder`, by name, and return them with a list of problems, which block.

    A problem is a suite that cannot be read, and a table of `required` without a suite, or without a critical check
    that applies to every edition.
    """
    suites, problems = [], []
    for path in sorted(folder.glob("*.yml")):
        try:
            suite = Suite.model_validate(read_yaml(path.read_bytes()))
            if suite.table != path.stem:
                raise ValueError(f"the file is named for {path.stem}, its table is {suite.table}")
            suites.append(suite)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'suite'}: {item['msg']}" for item in error.errors())
            problems.append(f"suite {path.name}: {wrong}")
        except (ValueError, OSError) as error:
            problems.append(f"suite {path.name}: {' '.join(str(error).split())}")
    if not suites and not problems:
        problems.append(f"there is no suite in {folder.name}")
    return suites, problems + _required_problems(folder, suites, required)


def _required_problems(folder: Path, suites: list[Suite], required: Collection[str]) -> list[str]:
    read = {suite.table: suite for suite in suites}
    problems = []
    for table in required:
        if table in read:
            if not any(check.severity == "critical" and check.needs is None for check in read[table].checks):
                problems.append(f"suite {table}.yml has no critical check for every edition")
        elif not (folder / f"{table}.yml").is_file():
            problems.append(f"suite {table}.yml is not in {folder.name}")
    return problems
