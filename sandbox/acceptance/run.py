"""Putting one source on trial: every check of the catalogue, against a stand-in or the real agency."""

from collections.abc import Mapping
from datetime import date

from connectors.spec import Source
from connectors.zone import Zone
from ledger.settings import Settings
from sandbox.acceptance.agency import Agency, FaultKind
from sandbox.acceptance.catalogue import CHECKS
from sandbox.acceptance.trial import Check, CheckResult, Trial, run_checks, today

NO_KINDS: Mapping[str, FaultKind] = {}


def run(
    source: Source,
    agency: Agency,
    settings: Settings,
    *,
    zone: Zone | None = None,
    kinds: Mapping[str, FaultKind] = NO_KINDS,
    as_of: date | None = None,
    full: bool = False,
    seed: int = 7,
    latency_ms: float = 0.0,
    checks: tuple[Check, ...] = CHECKS,
) -> list[CheckResult]:
    """Run every check on one source; each ends passed, failed with what and where, or skipped with the reason.

    Works in a scratch folder that is gone afterwards: the data folder of `settings` is not touched. `kinds` are the
    faults that the agency can be told to have; `full` runs all of them instead of a sample drawn by `seed`.
    """
    trial = make_trial(
        source, agency, settings, zone=zone, kinds=kinds, as_of=as_of, full=full, seed=seed, latency_ms=latency_ms
    )
    return run_checks(trial, checks)


def make_trial(
    source: Source,
    agency: Agency,
    settings: Settings,
    *,
    zone: Zone | None = None,
    kinds: Mapping[str, FaultKind] = NO_KINDS,
    as_of: date | None = None,
    full: bool = False,
    seed: int = 7,
    latency_ms: float = 0.0,
) -> Trial:
    """A source on trial, with the agency's own business date where it has one and none is named."""
    day = as_of or getattr(agency, "as_of", None) or today(settings)
    return Trial(source, agency, settings, zone or Zone(), day, kinds, full, seed, latency_ms)
