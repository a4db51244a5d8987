"""The acceptance kit: what a source must show before its data may count, as checks that can fail."""

from sandbox.acceptance.agency import Agency, FaultKind, RealAgency
from sandbox.acceptance.run import run
from sandbox.acceptance.trial import CheckResult

__all__ = ["Agency", "CheckResult", "FaultKind", "RealAgency", "run"]
