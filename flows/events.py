"""What is told to channels: the types of events, and one as a message."""

from datetime import UTC, datetime
from typing import Any

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from ledger.publications import Message

PUBLISHED = "cn.jifen.edition.published.v1"
WITHDRAWN = "cn.jifen.edition.withdrawn.v1"
NEEDS_ATTENTION = "cn.jifen.night.needs_attention.v1"
DEAD_LETTER = "cn.jifen.message.dead.v1"


def message(message_id: str, recipient: str, event_type: str, subject: str, data: dict[str, Any]) -> Message:
    """A CloudEvent for one channel; its id lets the receiver drop a repetition."""
    event = CloudEvent(
        {
            "id": message_id,
            "source": "urn:jifen",
            "type": event_type,
            "time": datetime.now(UTC),
            "subject": subject,
            "datacontenttype": "application/json",
        },
        data,
    )
    return Message(message_id, recipient, JSONFormat().write(event).decode())
