"""Sealing a candidate and making it current: the folder first, then one transaction, then the pointer."""

from datetime import UTC, datetime
from typing import Any

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from connectors.sink_files import ExtractSink, NoticeSink
from editions.current import point_current
from editions.recipe import edition_id_of
from editions.relations import ruleset_in_force
from editions.ruleset_diff import content_of, content_sha256
from editions.score.ruleset import read_seeds
from editions.seal import EditionFacts, seal
from flows.night import Cleared, Night
from ledger.publications import Message, current_id, edition_row, next_sequence, publish
from ledger.settings import PROJECT_DIR

EVENT_TYPE = "cn.jifen.edition.published.v1"


def publish_edition(night: Night, cleared: Cleared) -> None:
    """Seal the candidate, write its ledger row with all that it owes, and move `current`.

    Killed before the transaction, the folder is found again and used or replaced; killed or retried after it, only the
    pointer is brought in line. Either way it is published once.
    """
    edition_id = edition_id_of(night.as_of, cleared.recipe_sha256)
    if current_id(night.ledger) == edition_id:
        point_current(night.settings.data_dir, edition_id)
        return
    facts = EditionFacts(
        edition_id=edition_id,
        as_of=night.as_of,
        ruleset_id=ruleset_in_force(cleared.candidate.warehouse),
        recipe_sha256=cleared.recipe_sha256,
        inputs=cleared.inputs,
        compared_with=current_id(night.ledger),
    )
    manifest_sha256 = _seal(night, cleared, facts)
    sequence = next_sequence(night.ledger, facts.edition_id)
    row = {
        "edition_id": facts.edition_id,
        "as_of": facts.as_of.isoformat(),
        "recipe_sha256": facts.recipe_sha256,
        "manifest_sha256": manifest_sha256,
        "ruleset_id": facts.ruleset_id,
    }
    recipients = [sink.name for sink in night.sinks if isinstance(sink, ExtractSink)]
    channels = [sink.name for sink in night.sinks if isinstance(sink, NoticeSink) and sink.kind == "notice"]
    messages = [_message(channel, sequence, facts, manifest_sha256) for channel in channels]
    project = PROJECT_DIR / "dbt_project"
    content = content_of(read_seeds(project, facts.ruleset_id), project)
    ruleset = {"content": content, "content_sha256": content_sha256(content)}
    publish(night.ledger, row, night.run_id, facts.compared_with, recipients, messages, ruleset)
    point_current(night.settings.data_dir, facts.edition_id)


def _seal(night: Night, cleared: Cleared, facts: EditionFacts) -> str:
    """Write the edition's folder, or find the published one whole; answers the manifest's sha256."""
    known = edition_row(night.ledger, facts.edition_id)
    sealed = seal(
        night.settings.data_dir,
        cleared.candidate,
        facts,
        cleared.verdict.as_dict(),
        cleared.build,
        landing={f"{one.source}.{one.dataset}": one.counts for one in cleared.supplied if one.counts},
        published_manifest_sha256=known["manifest_sha256"] if known else None,
    )
    return sealed.manifest_sha256


def _message(recipient: str, sequence: int, facts: EditionFacts, manifest_sha256: str) -> Message:
    """The event of one publication: which edition, nothing of any enterprise. Its id tells a repetition."""
    message_id = f"{facts.edition_id}.{recipient}.{sequence}"
    data: dict[str, Any] = {
        "edition_id": facts.edition_id,
        "as_of": facts.as_of.isoformat(),
        "ruleset_id": facts.ruleset_id,
        "manifest_sha256": manifest_sha256,
        "supersedes": facts.compared_with,
    }
    return message(message_id, recipient, EVENT_TYPE, facts.edition_id, data)


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
