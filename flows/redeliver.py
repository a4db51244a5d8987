"""What a person may do to deliveries: send one again as it was, and have a recipient drop rows."""

from collections.abc import Sequence

from connectors.errors import ConfigError
from connectors.sink_files import ExtractSink
from flows.deliver import deliver_pending, leave_package
from flows.events import messages_to_each, recall_event
from flows.night import Night, night_without_run
from flows.packages import require_allowed_today
from ledger.deliveries import delivery_row, queue_recall, record_redelivered
from ledger.publications import Recall, current_id, queue
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import NotPossibleError, Row


def redeliver(settings: Settings, delivery_id: str, who: str) -> Row:
    """Leave a package that was sent with its recipient again, byte for byte.

    Raises `NotPossibleError` for one that was never sent, and `ConfigError` where consents or sink file of today allow
    less than it holds.
    """
    with exclusive_run(settings.data_dir):
        night = night_without_run(settings)
        row = delivery_row(night.ledger, delivery_id)
        if row["state"] != "sent" or not row["manifest_sha256"]:
            raise NotPossibleError(
                f"{delivery_id} is {row['state']}: only what was sent is sent again. Next: jifen run"
            )
        sink = _sink(night, row["recipient"])
        current = current_id(night.ledger)
        if current is not None:
            lost = f"jifen deliveries ack {delivery_id} --rejected --why lost"
            follows = f"jifen run, whose next package supersedes it; where it did not arrive, first {lost}"
            require_allowed_today(night, sink, row, current, follows)
        leave_package(night, sink, row)
        record_redelivered(night.ledger, delivery_id, who)
    return row


def recall(settings: Settings, recipient: str, codes: Sequence[str], why: str, who: str) -> Row:
    """Have a recipient drop the rows of these enterprises, at once; what cannot be sent goes with the next night."""
    with exclusive_run(settings.data_dir):
        night = night_without_run(settings)
        _sink(night, recipient)
        current = current_id(night.ledger)
        if current is None:
            raise NotPossibleError("no edition is published yet, so no row was sent. Next: jifen run")
        with night.ledger.begin() as connection:
            delivery_id = queue_recall(connection, recipient, current, codes, why, who)
            events = recall_event(delivery_id, [Recall(recipient, tuple(codes), why)])
            queue(connection, current, [], messages_to_each(night.sinks, delivery_id, events))
        deliver_pending(night, only=lambda row: row["recipient"] == recipient)
        return delivery_row(night.ledger, delivery_id)


def _sink(night: Night, recipient: str) -> ExtractSink:
    for sink in night.sinks:
        if isinstance(sink, ExtractSink) and sink.name == recipient:
            return sink
    raise ConfigError("gets no packages.", recipient, f"put connectors/sinks/{recipient}.yml back")
