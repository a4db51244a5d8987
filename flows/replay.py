"""Landing refused records after their source file was corrected, and recording which of them landed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from connectors.errors import ConnectorError
from connectors.quarantine import OPEN_STATES, Quarantined, why_closed
from connectors.raw import RawDamagedError
from connectors.spec import Source
from connectors.zone import read_zone
from ledger.quarantine import Decision, decide
from ledger.runs import exclusive_run
from ledger.settings import Settings

if TYPE_CHECKING:
    from connectors.replay import ReplayReport

WHY = "read again with the source file as it is now"
LEFT = "left as it is:"
NO_RECORD = "by the source file as it is now this is no record: it stands behind the end of the table"

Place = tuple[str, int]
"""Where a record stands: the sha256 of its raw page, and its position on it."""


@dataclass
class Replayed:
    """What became of each chosen record: landed (a count by dataset), still refused, or left as it is."""

    landed: dict[str, int] = field(default_factory=dict)
    still_refused: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether all that was read again landed."""
        return not self.errors and not self.still_refused

    def skip(self, one: Quarantined, reason: str) -> None:
        """Report why a record was left as it is."""
        self.skipped.append({"record_id": one.record_id, "told": reason})


def replay_chosen(
    settings: Settings,
    ledger: Engine,
    sources: Sequence[Source],
    chosen: Sequence[Quarantined],
    as_of: date,
    operator: str,
) -> Replayed:
    """Replay these records under the run lock, dataset by dataset; one dataset's fault does not stop the others.

    Raises `RunLockedError`, and has changed nothing, where a run is at work.
    """
    from connectors.replay import replay
    from connectors.stored import Store, require_stored

    report = Replayed()
    zone = read_zone(settings.zone_file, sources)
    declared = {dataset.address: dataset for source in sources for dataset in source.datasets}
    sources_by_name = {source.name: source for source in sources}
    store = Store(settings, ledger, zone, {})
    wanted: dict[str, dict[Place, Quarantined]] = defaultdict(dict)
    with exclusive_run(settings.data_dir):
        for one in chosen:
            if one.state not in OPEN_STATES:
                report.skip(one, why_closed(one))
            elif one.learned_on > as_of.isoformat():
                report.skip(one, f"left as it is: it was learnt on {one.learned_on}, after {as_of}")
            else:
                wanted[one.address][one.raw_sha256, one.position] = one
        for address, asked in wanted.items():
            places: dict[str, set[int]] = defaultdict(set)
            for sha256, position in asked:
                places[sha256].add(position)
            try:
                require_stored([sources_by_name[declared[address].source]], store, as_of)
                done = replay(declared[address], zone, settings, ledger, as_of, places)
            except (ConnectorError, RawDamagedError) as error:
                report.errors.append(str(error))
                continue
            made = list(_decisions(asked, done, operator))
            new = decide(ledger, made, as_of)
            report.landed[address] = sum(one.action == "replayed" and one.record_id in new for one in made)
            _add_not_landed(report, asked, done)
    return report


def _decisions(asked: Mapping[Place, Quarantined], done: "ReplayReport", operator: str) -> Iterator[Decision]:
    for place, one in asked.items():
        if place in done.positions_landed:
            yield Decision(one.record_id, one.source, one.dataset, "replayed", WHY, operator, done.batch)
        elif place in done.past_end:
            yield Decision(one.record_id, one.source, one.dataset, "discarded", NO_RECORD, operator)


def _add_not_landed(report: Replayed, asked: Mapping[Place, Quarantined], done: "ReplayReport") -> None:
    faults: dict[Place, set[str]] = defaultdict(set)
    for refusal in done.refusals:
        if refusal.action == "record_refused":
            faults[refusal.raw_sha256, refusal.position].add(refusal.rule)
    for place, one in asked.items():
        if place in faults:
            line = {"record_id": one.record_id, "dataset": one.address, "rules": sorted(faults[place])}
            report.still_refused.append(line)
        elif place not in done.positions_landed:
            report.skip(one, _why_not_landed(place, done))


def _why_not_landed(place: Place, done: "ReplayReport") -> str:
    if place in done.past_end:
        return f"closed: {NO_RECORD}"
    if place in done.unread:
        return f"{LEFT} the source file as it is now reads no record there; discard it if it is none"
    if place in done.contradicting:
        return (
            f"{LEFT} it passes now, and another record of its delivery contradicts it; discard one of them, "
            "then replay the other"
        )
    return f"{LEFT} it passes now, and a later delivery of its key has landed"
