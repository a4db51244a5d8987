"""What a long-lived service does between the nights: it reads answers, and tries again what did not arrive.

A night queues packages and return files and tries each; one whose recipient was away would wait for the next night.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from connectors.sink_files import ExtractSink, ReturnsSink
from flows.acks import collect_acks
from flows.deliver import deliver_pending, error_text
from flows.night import Night, night_without_run
from flows.returns import send_returns
from ledger.deliveries import awaited, queue_due
from ledger.publications import current_id, pending
from ledger.runs import RunLockedError, exclusive_run
from ledger.settings import Settings
from ledger.tables import deliveries, returns

log = logging.getLogger("jifen")

EVERY_SECONDS = 900.0
"""How long after one round the next one begins."""
PAUSE_SECONDS = 1.0
"""Between two recipients: a night that waits for the lock of the data folder takes it then."""


def send_again(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Read what recipients answered and try once what is pending; yields each attempt with why it failed, or None.

    One recipient at a time holds the lock of the data folder, and only where something is open. While a night is at
    work nothing is done: it sends what is pending itself. Files of recipients are read anew in each round.
    """
    try:
        night = night_without_run(settings)
        try:
            yield from _each(night)
        finally:
            night.ledger.dispose()
    except RunLockedError as error:
        log.info("packages: not now: %s", error)
    except Exception as error:  # noqa: BLE001 - a sink file that cannot be read stops no relay
        yield "packages", error_text(error)


def _each(night: Night) -> Iterator[tuple[str, str | None]]:
    for sink in night.sinks:
        if isinstance(sink, (ExtractSink, ReturnsSink)) and _is_open(night, sink):
            with exclusive_run(night.settings.data_dir, is_relay=True):
                yield from _try_one(replace(night, sinks=(sink,)), sink)
            time.sleep(PAUSE_SECONDS)


def _is_open(night: Night, sink: ExtractSink | ReturnsSink) -> bool:
    """Whether something is to be sent to this recipient, or an answer of it is awaited."""
    table = deliveries if isinstance(sink, ExtractSink) else returns
    is_awaited = isinstance(sink, ExtractSink) and sink.acknowledged is not None and awaited(night.ledger, sink.name)
    return bool(is_awaited) or any(row["recipient"] == sink.name for row in pending(night.ledger, table))


def _try_one(night: Night, sink: ExtractSink | ReturnsSink) -> Iterator[tuple[str, str | None]]:
    if isinstance(sink, ReturnsSink):
        for line in send_returns(night, only=sink.name):
            yield line["return_id"], line.get("error")
        return
    # Answers first: what was rejected is a gap of what is composed now.
    for line in collect_acks(night):
        if "error" in line:
            yield f"answers of {sink.name}", line["error"]
    if any(row["recipient"] == sink.name for row in pending(night.ledger, deliveries)):
        # Consents of an earlier day may not stand today: what waits since then gives way to a package of today.
        queue_due(
            night.ledger, [sink.name], current_id(night.ledger), datetime.now(night.settings.zone).date().isoformat()
        )
        for line in deliver_pending(night, only=sink.name):
            yield f"{sink.name}.{line['number']}", line.get("error")
