"""A business date that has passed: what was known then, and which edition stood."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Engine

from connectors.pull import Pulled
from connectors.spec import Dataset
from connectors.zone import Zone
from flows.night import Night
from ledger.batches import latest_promoted, promoted_batches
from ledger.publications import current_id, current_row, publication_rows
from ledger.report import report_of
from ledger.runs import runs_of
from ledger.store import NotPossibleError

NOT_ASKED = "not asked that day"


def require_come(as_of: date, today: date) -> None:
    """The business date may not lie ahead."""
    if as_of > today:
        raise NotPossibleError(f"--as-of {as_of} lies ahead of today, {today}. Give a day that has come.")


def check_date(ledger: Engine, as_of: date, today: date) -> None:
    """The date of a decision may not lie ahead, nor before the current edition's, which was made without it."""
    require_come(as_of, today)
    if has_passed(ledger, as_of):
        raise NotPossibleError(
            f"--as-of {as_of} lies before the current edition {current_id(ledger)}. Give a later day."
        )


def has_passed(ledger: Engine, as_of: date) -> bool:
    """Whether a day lies before the current edition's: an edition of it is built beside, and `current` stays."""
    current = current_row(ledger)
    return current is not None and as_of.isoformat() < current["as_of"]


def require_behind(ledger: Engine, as_of: date, today: date) -> None:
    """Raise `NotPossibleError` for today's night where the current edition is of a later day: a clock was wrong.

    Its edition would be built beside, no agency asked and nothing sent, night after night.
    """
    if as_of >= today:
        raise NotPossibleError(
            f"the current edition {current_id(ledger)} is of a day ahead of today, {today}: it was made by a clock "
            "that was wrong, or this one is. Next: jifen doctor; set the clock, or where it is right jifen edition "
            f"rollback {stood_on(ledger, as_of) or 'ID'} --why TEXT, then jifen run"
        )


def stood_on(ledger: Engine, as_of: date) -> str | None:
    """The last edition published of that day or of one before it."""
    rows = publication_rows(ledger)
    return next((str(row["edition_id"]) for row in rows if row["as_of"] <= as_of.isoformat()), None)


def known_then(night: Night) -> list[Pulled]:
    """What each dataset would have given on the night's day, from what was learnt by then; no agency is called.

    A dataset that gave nothing that day is as stale as it was then; the reason is that of the run of that day, if any.
    """
    failures = _failures_on(night.ledger, night.as_of)
    return [
        _known_of(night.ledger, night.zone, dataset, night.as_of, failures.get(dataset.address))
        for source in night.sources
        for dataset in source.datasets
    ]


def why_unknown(ledger: Engine, known: Sequence[Pulled], as_of: date) -> str | None:
    """Why no edition can be made of a day: a critical dataset of which nothing had been learnt. None where one can."""
    missing = [one for one in known if one.critical and one.state == "failed" and one.batch is None]
    if not missing:
        return None
    first = [_first_known(ledger, one) for one in missing]
    since = max(filter(None, first), default="")
    days = f"All was known from {since} on: give that day or a later one." if all(first) else ""
    names = ", ".join(f"{one.source}.{one.dataset}" for one in missing)
    return f"--as-of {as_of}: nothing was known then of {names}, without which there is no edition. {days}".rstrip()


def _first_known(ledger: Engine, one: Pulled) -> str | None:
    batches = promoted_batches(ledger, one.source, one.dataset, date.max)
    return str(batches[0]["as_of"]) if batches else None


def _known_of(ledger: Engine, zone: Zone, dataset: Dataset, as_of: date, failure: dict[str, str] | None) -> Pulled:
    what = (dataset.source, dataset.name, dataset.critical)
    if reason := zone.why_not_supplied(dataset):
        return Pulled(*what, "not_supplied", message=reason)
    newest = latest_promoted(ledger, dataset.source, dataset.name, as_of)
    batch = newest["batch"] if newest else None
    if newest and newest["as_of"] == as_of.isoformat():
        return Pulled(*what, "unchanged", batch=batch)
    failed = failure or {"state": "failed", "whose": NOT_ASKED}
    return Pulled(*what, failed["state"], whose=failed["whose"], batch=batch)


def _failures_on(ledger: Engine, as_of: date) -> dict[str, dict[str, str]]:
    """Where a pull failed or was held, the state and whose it was, by dataset, in the last run of that day."""
    lines = [line for run in runs_of(ledger, as_of) for line in report_of(run).get("pulled", ())]
    return {
        f"{line['source']}.{line['dataset']}": {"state": line.get("state", "failed"), "whose": line["whose"]}
        for line in lines
        if line["whose"]
    }
