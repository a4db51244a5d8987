"""The acceptance kit: what a source must show before its data may count, as checks that can fail."""

from sandbox.acceptance.agency import Agency, RealAgency
from sandbox.acceptance.catalogue import CHECKS
from sandbox.acceptance.trial import SourceCheckResult, make_trial, run_checks

__all__ = ["CHECKS", "Agency", "RealAgency", "SourceCheckResult", "make_trial", "run_checks"]
