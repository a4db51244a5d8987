"""Landing refused records after their source file was mended, and writing down which of them landed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from connectors.errors import ConnectorError
from connectors.quarantine import OPEN_STATES, Quarantined, why_closed
from connectors.raw import RawDamagedError
from connectors.spec import Dataset, Source
from connectors.zone import Zone, read_zone
from ledger.quarantine import Decision, decide
from ledger.runs import exclusive_run
from ledger.settings import Settings

if TYPE_CHECKING:
    from connectors.replay import ReplayReport

WHY = "read again with the source file as it is now"
NO_RECORD = "by the source file as it is now this is no record: it stands behind the end of the table"


@dataclass
class Replayed:
    """What became of each record that was asked for: landed (a count by dataset), still refused, or left as it is."""

    landed: dict[str, int] = field(default_factory=dict)
    still_refused: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether all that was read again landed."""
        return not self.errors and not self.still_refused

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return vars(self)

    def skip(self, one: Quarantined, told: str) -> None:
        """Say why a record was not touched."""
        self.skipped.append({"record_id": one.record_id, "told": told})


def replay_chosen(
    settings: Settings,
    ledger: Engine,
    sources: Sequence[Source],
    chosen: Sequence[Quarantined],
    as_of: date,
    operator: str,
) -> Replayed:
    """Replay these records under the run lock, dataset by dataset; one dataset's fault keeps nothing from the others.

    Raises `RunLockedError`, and has changed nothing, where a run is at work.
    """
    report = Replayed()
    zone = read_zone(settings.zone_file, sources)
    declared = {(dataset.source, dataset.name): dataset for source in sources for dataset in source.datasets}
    with exclusive_run(settings.data_dir):
        wanted = []
        for one in chosen:
            if one.state not in OPEN_STATES:
                report.skip(one, why_closed(one))
            elif one.learned_on > as_of.isoformat():
                report.skip(one, f"left as it is: it was learnt on {one.learned_on}, after {as_of}")
            else:
                wanted.append(one)
        for address, records in groupby(wanted, key=lambda one: (one.source, one.dataset)):
            _replay_dataset(report, declared[address], zone, settings, ledger, list(records), as_of, operator)
    return report


def _replay_dataset(
    report: Replayed,
    dataset: Dataset,
    zone: Zone,
    settings: Settings,
    ledger: Engine,
    records: list[Quarantined],
    as_of: date,
    operator: str,
) -> None:
    from connectors.replay import replay

    wanted: dict[str, set[int]] = {}
    for one in records:
        wanted.setdefault(one.raw_sha256, set()).add(one.position)
    try:
        done = replay(dataset, zone, settings, ledger, as_of, wanted)
    except (ConnectorError, RawDamagedError) as error:
        report.errors.append(str(error))
        return
    landed = [one for one in records if (one.raw_sha256, one.position) in done.positions_landed]
    made = [Decision(one.record_id, one.source, one.dataset, "replayed", WHY, operator, done.batch) for one in landed]
    report.landed[dataset.address] = len(decide(ledger, made, as_of))
    closed = [one for one in records if (one.raw_sha256, one.position) in done.past_end]
    made = [Decision(one.record_id, one.source, one.dataset, "discarded", NO_RECORD, operator) for one in closed]
    decide(ledger, made, as_of)
    faults: dict[tuple[str, int], set[str]] = {}
    for refusal in done.refusals:
        if refusal.action == "record_refused":
            faults.setdefault((refusal.raw_sha256, refusal.position), set()).add(refusal.rule)
    for one in records:
        if rules := faults.get((one.raw_sha256, one.position)):
            line = {"record_id": one.record_id, "dataset": one.address, "rules": sorted(rules)}
            report.still_refused.append(line)
        elif one not in landed:
            report.skip(one, _why_not_landed((one.raw_sha256, one.position), done))


def _why_not_landed(place: tuple[str, int], done: "ReplayReport") -> str:
    if place in done.past_end:
        return f"closed: {NO_RECORD}"
    if place in done.unread:
        why = "the source file as it is now reads no record there; discard it if it is none"
    elif place in done.contradicting:
        why = (
            "it passes now, and another record of its delivery contradicts it; discard one of them, then replay "
            "the other"
        )
    else:
        why = "it passes now, and a later delivery of its key has landed"
    return f"left as it is: {why}"
