"""From when on a change feed is asked for."""

from datetime import date, datetime, timedelta

from sqlalchemy import Engine

from connectors.errors import ConfigError
from connectors.spec import Dataset, Since
from ledger.batches import latest_promoted


def lower_bound(dataset: Dataset, ledger: Engine, as_of: date) -> str | None:
    """The newest change we hold, less the lookback, as ISO text; None before the first pull, and of a snapshot."""
    if dataset.since is None:
        return None
    last = latest_promoted(ledger, dataset.source, dataset.name, as_of)
    if last is None or last["high_water"] is None:
        return None
    newest = datetime.fromisoformat(last["high_water"]) - timedelta(days=dataset.since.lookback_days)
    if _is_date(dataset):
        return newest.date().isoformat()
    # Landed moments are UTC; an agency asked over HTTP must be told so, a database column holds none.
    return newest.isoformat() + ("+00:00" if isinstance(dataset.since, Since) else "")


def _is_date(dataset: Dataset) -> bool:
    return any(c.data_type == "date" for c in dataset.columns if dataset.since and c.name == dataset.since.column)


def require_newest(dataset: Dataset, ledger: Engine, as_of: date) -> None:
    """A delivery landed for a day before the newest one would lie under it and never be seen: a `ConfigError`."""
    later = latest_promoted(ledger, dataset.source, dataset.name, date.max)
    if later is not None and later["as_of"] > as_of.isoformat():
        raise ConfigError(
            f"a delivery of {later['as_of']} has landed, after {as_of}.",
            dataset.address,
            f"jifen run --as-of {later['as_of']}; a pull or a replay takes the same --as-of",
        )
