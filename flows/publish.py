"""Sealing a candidate and making it current: the folder first, then one transaction, then the pointer."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from connectors.inputs import Supplied
from connectors.sink_files import ExtractSink, NoticeSink, Sink
from editions.manifest import read_manifest
from editions.places import edition_path, point_current
from editions.provenance import code_of, kind_of
from editions.recipe import edition_id_of
from editions.relations import ruleset_in_force
from editions.ruleset_diff import frozen_row
from editions.seal import EditionFacts, seal
from flows.events import Event, messages_to_each, recall_event
from flows.night import Cleared, Night
from flows.past import has_passed
from flows.recalls import recalls
from ledger.files import open_to_readers
from ledger.journal import head
from ledger.publications import current_id, edition_row, next_sequence, publish
from ledger.settings import PROJECT_DIR
from ledger.store import Row


def publish_edition(night: Night, cleared: Cleared) -> str | None:
    """Seal the candidate, write its ledger row with all that is to be sent, and move `current`.

    Answers why nothing was published, None where something was: a candidate whose every table is that of `current` has
    nothing new for readers. Killed before the transaction, the folder is found again and used or replaced;
    killed or retried after it, only the pointer is brought in line. Either way it is published once.
    """
    row = seal_edition(night, cleared)
    if row is None:
        return f"the rules changed, but no result did; edition {night.follows} stays current."
    edition_id = row["edition_id"]
    if current_id(night.ledger) == edition_id:
        point_current(night.settings.data_dir, edition_id)
        return None
    sequence = next_sequence(night.ledger, edition_id)
    channels = [sink for sink in night.sinks if isinstance(sink, NoticeSink)]
    recalled = tuple(recalls(night, edition_id, cleared.candidate.warehouse))
    events = [*_events(night, row, channels), *recall_event(edition_id, recalled)]
    messages = messages_to_each(channels, edition_id, events, sequence)
    ruleset = frozen_row(row["ruleset_id"], PROJECT_DIR / "dbt_project")
    publish(night.ledger, row, night.run_id, night.follows, recipients(night.sinks), messages, ruleset, recalled)
    point_current(night.settings.data_dir, edition_id)
    return None


def recipients(sinks: Sequence[Sink]) -> list[str]:
    """The recipients that get a package of each edition."""
    return [sink.name for sink in sinks if isinstance(sink, ExtractSink)]


def seal_edition(night: Night, cleared: Cleared) -> Row | None:
    """Write the edition's folder, or find the known one whole; answers its row for the ledger.

    None where every table is that of the edition it follows, and nothing was sealed.
    """
    facts = facts_of(night, cleared)
    known = edition_row(night.ledger, facts.edition_id)
    key = night.settings.signing_key
    data_dir = night.settings.data_dir
    sealed = seal(
        data_dir,
        cleared.candidate,
        facts,
        cleared.verdict.as_dict(),
        cleared.build,
        landing={f"{one.source}.{one.dataset}": one.counts for one in cleared.supplied if one.counts},
        published_manifest_sha256=known["manifest_sha256"] if known else None,
        unless_as=night.previous,
        key=key,
    )
    if sealed is None:
        return None
    open_to_readers(sealed.path, night.settings.readers_group)
    return {
        "edition_id": facts.edition_id,
        "as_of": facts.as_of.isoformat(),
        "recipe_sha256": facts.recipe_sha256,
        "manifest_sha256": sealed.manifest_sha256,
        "ruleset_id": facts.ruleset_id,
        "kind": facts.kind,
        "signed_by": key.public.name if key else None,
    }


def facts_of(night: Night, cleared: Cleared) -> EditionFacts:
    """All that names and explains the edition of a candidate, its kind among it."""
    ruleset_id = ruleset_in_force(cleared.candidate.warehouse)
    ruleset = {
        "ruleset_id": ruleset_id,
        "ruleset_sha256": frozen_row(ruleset_id, PROJECT_DIR / "dbt_project")["content_sha256"],
    }
    parent = read_manifest(night.previous) if night.previous else None
    return EditionFacts(
        edition_id=edition_id_of(night.as_of, cleared.recipe_sha256),
        as_of=night.as_of,
        recipe_sha256=cleared.recipe_sha256,
        rules_sha256=cleared.rules_sha256,
        inputs=cleared.inputs,
        parent=night.follows,
        kind=kind_of(
            parent,
            ruleset,
            cleared.inputs,
            is_beside=has_passed(night.ledger, night.as_of),
            corrects=night.corrects.edition_id if night.corrects else None,
        ),
        supersedes=night.corrects.edition_id if night.corrects else None,
        note=night.corrects.why if night.corrects else None,
        code=code_of(PROJECT_DIR),
        stale=stale_of(cleared.supplied),
        ledger=asdict(head(night.ledger)),
        **ruleset,
    )


def stale_of(supplied: Sequence[Supplied]) -> dict[str, str]:
    """Which datasets are older than they may be, and why: not pulled tonight, or nothing new in what came."""
    found: dict[str, str] = {}
    for one in supplied:
        old = [f"{name.removeprefix('stale:')} is {n} days old" for name, n in one.counts.items() if "stale:" in name]
        if one.is_stale or old:
            found[f"{one.source}.{one.dataset}"] = "; ".join([*([one.reason] if one.reason else []), *old])
    return found


def _events(night: Night, edition: Row, channels: Sequence[NoticeSink]) -> list[Event]:
    """The events of a publication: that the edition is there, and what changed with it where a channel wants that."""
    from editions.changes import policy_counts
    from editions.news import TABLES, news

    edition_id = edition["edition_id"]
    now = edition_path(night.settings.data_dir, edition_id)
    facts = {name: edition[name] for name in ("edition_id", "as_of", "ruleset_id", "manifest_sha256")}
    data: dict[str, Any] = {**facts, "supersedes": night.follows}
    if any(channel.details for channel in channels):
        data["policies"] = policy_counts(night.previous, now)
    name = "edition_published"
    if night.corrects and night.corrects.edition_id != edition_id:
        name, data = "edition_corrected", {**data, "corrects": night.corrects.edition_id, "why": night.corrects.why}
    events = [Event(name, edition_id, data)]
    wanted = {one for channel in channels for one in channel.wanted}
    if wanted & {*TABLES, "credit_changed"}:
        events += [Event(one, edition_id, {**facts, **found}) for one, found in news(night.previous, now).items()]
    return events
