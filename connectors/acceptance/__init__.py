"""The acceptance kit: what a source must show before its data may count, as checks that can fail."""

from connectors.acceptance.agency import Agency, FaultKind, RealAgency
from connectors.acceptance.run import run
from connectors.acceptance.trial import CheckResult

__all__ = ["Agency", "CheckResult", "FaultKind", "RealAgency", "run"]
