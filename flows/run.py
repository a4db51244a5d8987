"""One night, through the Prefect API where one is configured, by itself where none is."""

import logging
from dataclasses import replace
from datetime import date
from typing import Any

from connectors.errors import ConnectorError
from connectors.pull import Pulled
from flows.night import Night
from flows.outcome import Outcome
from flows.prefect_server import ApiLostError, api_is_configured, require_api
from flows.recipe import PLAIN_STEPS, run_night
from ledger.settings import Settings


def run_configured(settings: Settings, as_of: date | None) -> Outcome:
    """Run through Prefect where an API is configured; otherwise without Prefect, which would start a hidden server.

    Where the API does not answer the night failed, in the ledger and to the operators; one that goes away in the night
    is an `ApiLostError` with what the night came to all the same.
    """
    if not api_is_configured():
        return run_night(settings, as_of, "plain")
    # A handler of Prefect that loses its server would print its own traceback between the lines of the night.
    logging.raiseExceptions = False
    try:
        require_api()
    except ConnectorError as error:
        return _failed_night(settings, as_of, error)
    from flows import nightly

    try:
        state: Any = nightly.nightly(as_of, return_state=True)
        found = state.result(raise_on_failure=False)
    except Exception as error:  # noqa: BLE001 - however Prefect fails, the night itself ended or did not
        found = error
    if isinstance(found, nightly.NightFailedError):
        return found.outcome
    if isinstance(found, Exception):
        if nightly.ENDED or type(found).__module__.startswith(("httpx", "httpcore", "prefect")):
            raise ApiLostError(found, nightly.ENDED[-1] if nightly.ENDED else None)
        raise found
    outcome: Outcome = found
    return outcome


def _failed_night(settings: Settings, as_of: date | None, error: ConnectorError) -> Outcome:
    def pull_nothing(_night: Night) -> list[Pulled]:
        raise error

    return run_night(settings, as_of, "prefect", replace(PLAIN_STEPS, pull_all=pull_nothing))
