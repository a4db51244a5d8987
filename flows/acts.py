"""What a person may do to published editions: roll back, withdraw, correct."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine

from connectors.sink_files import read_sinks
from editions.manifest import read_manifest
from editions.places import edition_path, point_current, require_edition
from editions.seal import EditionDamagedError
from editions.touched import touched
from editions.verify import verify
from flows.events import Event, messages_to_each
from flows.night import Correction
from flows.outcome import Outcome
from flows.past import has_passed
from flows.publish import recipients
from flows.recipe import PLAIN_STEPS, run_night
from flows.steps import Steps
from ledger.acts import (
    CORRECTED,
    ROLLED_BACK,
    WITHDRAWN,
    acts,
    earlier_edition,
    record_act,
    record_correction,
    require_not_withdrawn,
    withdrawn,
)
from ledger.binding import move_on
from ledger.publications import current_id, edition_row, next_sequence, publication_rows
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import NotPossibleError, Row, open_ledger


@dataclass(frozen=True)
class Acted:
    """What became of an act: its edition, the one that is current now, and the recipients of what was queued."""

    edition_id: str
    stands: str
    deliveries: tuple[str, ...]
    notices: tuple[str, ...]


def roll_back(settings: Settings, edition_id: str, why: str, who: str) -> Acted:
    """Make an edition current that was current before: a new publication, whose files go out again.

    The night after it goes on from there. Raises `NotPossibleError` for an edition that was never published, is
    current, or was withdrawn, and `EditionDamagedError` where it is not whole any more.
    """
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings)
        current = _require_current(ledger)
        _require_published(ledger, edition_id)
        if edition_id == current:
            raise NotPossibleError(f"edition {edition_id} is current already. Next: jifen edition list")
        require_not_withdrawn(ledger, edition_id)
        return _go_to(settings, ledger, ROLLED_BACK, edition_id, current, edition_id, why, who)


def withdraw(settings: Settings, edition_id: str, why: str, who: str) -> Acted:
    """Mark a published edition as withdrawn, for good; where it is current, the one before it is current again.

    A recall message is queued for every notice channel. Raises `NotPossibleError` for an edition that was never
    published, was withdrawn already, or has none before it.
    """
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings)
        current = _require_current(ledger)
        _require_published(ledger, edition_id)
        if act := withdrawn(ledger).get(edition_id):
            raise NotPossibleError(
                f"edition {edition_id} was withdrawn by {act['decided_by']} on {act['decided_at']} already."
            )
        stands = earlier_edition(ledger, edition_id) if edition_id == current else current
        if stands is None:
            raise NotPossibleError(
                f"edition {edition_id} has no earlier one that readers could go back to. Next: fix what is wrong, "
                f"then jifen edition correct {edition_id} --why TEXT"
            )
        return _go_to(settings, ledger, WITHDRAWN, edition_id, current, stands, why, who)


def correct(
    settings: Settings, edition_id: str, why: str, who: str, as_of: date | None = None, steps: Steps = PLAIN_STEPS
) -> Outcome:
    """Run the night as a correction of a published edition, and write down which enterprises it touches.

    The night is an ordinary one, of today or `as_of`: the wrong facts or rules were corrected before. Its edition is of
    kind `correction` and names the corrected one. Raises `NotPossibleError` for an edition that was never published,
    or a day before the current edition's, and `EditionMissingError` for one whose tables are not there.
    """
    ledger = open_ledger(settings)
    _require_published(ledger, edition_id)
    require_edition(settings.data_dir, edition_id)
    day = as_of or settings.today
    if has_passed(ledger, day):
        raise NotPossibleError(
            f"--as-of {day} lies before the current edition {current_id(ledger)}: a correction is published now. "
            "Next: give a later day"
        )
    outcome = run_night(settings, day, "plain", steps, Correction(edition_id, why))
    if outcome.edition_id is None or not _corrects(settings, ledger, outcome, edition_id):
        return outcome
    then, now = (edition_path(settings.data_dir, one) for one in (edition_id, outcome.edition_id))
    codes = touched(then, now)
    record_correction(ledger, edition_id, outcome.edition_id, {"enterprises": codes}, why, who)
    message = f"{outcome.message} It corrects {edition_id} and touches {len(codes)} enterprises."
    return replace(outcome, message=message, report={**outcome.report, "touched": codes})


def _corrects(settings: Settings, ledger: Engine, outcome: Outcome, edition_id: str) -> bool:
    """Whether a night's edition is a correction that is not recorded yet, as after a kill between the two.

    No edition corrects itself: where facts and rules were not changed, the night may give the same edition again.
    """
    if outcome.state == "published":
        return outcome.edition_id != edition_id
    if outcome.state != "nothing_new" or outcome.edition_id is None:
        return False
    done = {(act["edition_id"], act["stands"]) for act in acts(ledger) if act["act"] == CORRECTED}
    manifest = read_manifest(edition_path(settings.data_dir, outcome.edition_id))
    return manifest.get("supersedes") == edition_id and (edition_id, outcome.edition_id) not in done


def _require_current(ledger: Engine) -> str:
    current = current_id(ledger)
    if current is None:
        raise NotPossibleError("no edition is published yet. Next: jifen run")
    return current


def _require_published(ledger: Engine, edition_id: str) -> None:
    if edition_id not in {row["edition_id"] for row in publication_rows(ledger)}:
        raise NotPossibleError(f"edition {edition_id} was never published. Next: jifen edition list")


def _go_to(
    settings: Settings, ledger: Engine, act: str, edition_id: str, current: str, stands: str, why: str, who: str
) -> Acted:
    row = edition_row(ledger, stands) or {}
    require_edition(settings.data_dir, stands)
    if findings := verify(edition_path(settings.data_dir, stands), row["manifest_sha256"]):
        raise EditionDamagedError(
            f"edition {stands} is damaged ({findings[0].path} {findings[0].message}), so readers cannot go to it. "
            f"Whose: data. Next: restore it from a backup, jifen edition verify {stands}"
        )
    sinks, moves = read_sinks(), stands != current
    to_send = recipients(sinks) if moves else []
    number = next_sequence(ledger, stands) if act == ROLLED_BACK else "withdrawn"
    events = [_event(act, edition_id, row, current, why)]
    messages = messages_to_each(sinks, edition_id, events, number)
    # From here on a copy of the ledger from before this act is refused: it lacks the act.
    move_on(ledger, settings.data_dir)
    record_act(ledger, act, edition_id, current, stands, why, who, to_send, messages)
    if moves:
        point_current(settings.data_dir, stands)
    return Acted(edition_id, stands, tuple(to_send), tuple(one.recipient for one in messages))


def _event(act: str, edition_id: str, stands: Row, current: str, why: str) -> Event:
    """The event of an act: which edition it is about, which one stands, and why; nothing of any enterprise."""
    data: dict[str, Any] = {
        **{name: stands[name] for name in ("edition_id", "as_of", "ruleset_id", "manifest_sha256")},
        "supersedes": current,
        "act": act,
        "why": why,
    }
    if act == ROLLED_BACK:
        return Event("edition_published", edition_id, data)
    gone = {"withdrawn": edition_id, "withdrawn_on": datetime.now(UTC).date().isoformat()}
    return Event("edition_withdrawn", edition_id, data | gone)
