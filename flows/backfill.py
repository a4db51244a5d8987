"""Building the editions of past days that have none: beside `current`, the newest first, one night at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from connectors.source_files import read_sources
from connectors.zone import read_zone
from flows.night import Night
from flows.outcome import Outcome
from flows.past import has_passed, known_then, why_unknown
from flows.recipe import run_night
from ledger.acts import withdrawn
from ledger.publications import current_id
from ledger.settings import Settings
from ledger.store import NotPossibleError, open_ledger, rows
from ledger.tables import editions

BUILT, DUE, UNKNOWN, NOT_PAST = "built", "due", "unknown", "not past"
GOOD = ("beside", "nothing_new")
DAYS_AT_ONCE = 3_660
"""In a longer range one of the two days is most likely mistyped, and looking at each day takes a while."""


@dataclass(frozen=True)
class PastDay:
    """A business date: its edition, or whether one can be built; `why` says why not."""

    day: date
    state: str
    edition_id: str | None = None
    why: str | None = None


def days_between(settings: Settings, first: date, last: date) -> list[PastDay]:
    """Every day from `first` to `last`, the newest first. Builds nothing and calls no agency."""
    if first > last:
        raise NotPossibleError(f"--from {first} lies behind --to {last}. Give them the other way round.")
    if (last - first).days >= DAYS_AT_ONCE:
        raise NotPossibleError(f"--from {first} --to {last} are more than ten years. Give fewer days at once.")
    ledger = open_ledger(settings)
    if current_id(ledger) is None:
        raise NotPossibleError("no edition is published yet, and past days are built beside one. Next: jifen run")
    gone = withdrawn(ledger)
    made = {
        row["as_of"]: row["edition_id"]
        for row in rows(ledger, select(editions).order_by(editions.c.edition_id))
        if row["edition_id"] not in gone
    }
    sources = tuple(read_sources())
    zone = read_zone(settings.zone_file, sources)
    found: list[PastDay] = []
    why = None
    for back in range((last - first).days + 1):
        day = last - timedelta(days=back)
        if edition_id := made.get(day.isoformat()):
            found.append(PastDay(day, BUILT, edition_id))
        elif not has_passed(ledger, day):
            found.append(PastDay(day, NOT_PAST, why=f"not before the current edition's day: jifen run --as-of {day}"))
        else:
            if why is None:
                known = known_then(Night("", day, settings, ledger, sources, (), zone))
                why = why_unknown(ledger, known, day)
            else:
                # What was not known on a day was not known before it.
                why = why.replace(f"{day + timedelta(days=1)}", f"{day}", 1)
            found.append(PastDay(day, UNKNOWN if why else DUE, why=why))
    return found


def build_days(settings: Settings, days: Sequence[PastDay], *, keep_going: bool) -> Iterator[tuple[date, Outcome]]:
    """Build what is due, in the order given; answers how each ended. Without `keep_going` a failure is the last."""
    for one in days:
        if one.state != DUE:
            continue
        outcome = run_night(settings, one.day, "backfill")
        yield one.day, outcome
        interrupted = outcome.message.startswith("interrupted")
        if outcome.state not in GOOD and (interrupted or not keep_going):
            return
