"""Messages to channels: each event by itself to a program, one digest of all to people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from connectors.sink_files import DEFAULT_EVENTS, DIGEST, EVENTS, NoticeSink, Sink
from ledger.publications import Message, Recall
from ledger.settings import PROJECT_DIR

if TYPE_CHECKING:
    from jinja2 import Template

LANGUAGES = ("zh", "en")
_FIRST = {name for names in DEFAULT_EVENTS.values() for name in names} - {"night_recovered"}
"""Main events, of which a list has one at most: its message has the base id, the others have their name behind it."""
_TITLE_SIGNS = 100


@dataclass(frozen=True)
class Event:
    """Something that happened: one of `EVENTS`, what it is about, and its facts. `enterprises` in them are codes."""

    name: str
    subject: str
    data: Mapping[str, Any]


def messages_to(sink: NoticeSink, base_id: str, events: Sequence[Event]) -> list[Message]:
    """What one channel gets of these events: those that it asks for, each by itself, or one digest where people read.

    Every channel gets the number of enterprises; only one whose file asks for `enterprises` gets their codes.
    """
    wanted = [event for event in events if event.name in sink.wanted]
    allowed = [(event, _allowed(sink, _without_policies(sink, event))) for event in wanted]
    if not allowed:
        return []
    if sink.is_text:
        parts = [{"event": event.name, **data} for event, data in allowed]
        text = "\n\n".join(_template(language).render(events=parts).strip() for language in LANGUAGES)
        digest = {"title": text.splitlines()[0][:_TITLE_SIGNS], "text": text, "events": parts}
        return [message(base_id, sink.name, DIGEST, wanted[0].subject, digest)]
    return [
        message(
            base_id if event.name in _FIRST else f"{base_id}.{event.name}",
            sink.name,
            EVENTS[event.name],
            event.subject,
            data,
        )
        for event, data in allowed
    ]


def messages_to_each(
    sinks: Iterable[Sink], base_id: str, events: Sequence[Event], number: int | str | None = None
) -> list[Message]:
    """What all channels among these sinks get: ids are the base id, the channel and, where one is given, a number."""
    suffix = "" if number is None else f".{number}"
    channels = [sink for sink in sinks if isinstance(sink, NoticeSink)]
    return [one for sink in channels for one in messages_to(sink, f"{base_id}.{sink.name}{suffix}", events)]


def _without_policies(sink: NoticeSink, event: Event) -> Mapping[str, Any]:
    """The facts of an event, without an edition's counts by policy for a channel whose file does not ask for them."""
    is_left_out = event.name.startswith("edition_") and not sink.details
    return {name: held for name, held in event.data.items() if name != "policies" or not is_left_out}


def _allowed(sink: NoticeSink, value: Any) -> Any:
    """The facts of an event as a channel may have them."""
    if isinstance(value, list):
        return [_allowed(sink, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    facts = {name: _allowed(sink, held) for name, held in value.items()}
    if isinstance(codes := facts.get("enterprises"), list):
        facts |= {"enterprises": len(codes), **({"codes": codes} if sink.details == "enterprises" else {})}
    if sink.details != "enterprises":
        facts.pop("listed_enterprises", None)
    return facts


def recall_event(subject: str, recalls: Sequence[Recall]) -> list[Event]:
    """The event that recipients are to drop rows; none where nothing is recalled."""
    recalled = [{"recipient": one.recipient, "why": one.why, "enterprises": list(one.codes)} for one in recalls]
    return [Event("recall", subject, {"recalls": recalled})] if recalled else []


@lru_cache
def _template(language: str) -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Plain text for chat and mail: nothing there reads markup.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(PROJECT_DIR / "flows" / "digest"),
        undefined=StrictUndefined,
        # A name or a reason with ends of line in it would read as lines of ours.
        finalize=lambda value: " ".join(str(value).splitlines()),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{language}.j2")


def message(message_id: str, recipient: str, event_type: str, subject: str, data: Mapping[str, Any]) -> Message:
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
        dict(data),
    )
    return Message(message_id, recipient, JSONFormat().write(event).decode())
