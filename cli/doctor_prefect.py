"""The checks of `jifen doctor` on the Prefect server, where one is named: it agrees with our files and the ledger."""

from collections.abc import Sequence

from cli.doctor_here import CheckFailedError, Here, NothingToCheckError


def prefect_api(here: Here) -> str:
    """The server answers."""
    try:
        return f"answers, {len(here.prefect.changes)} unlike our files"
    except NothingToCheckError:
        why = "PREFECT_API_URL not set: a night runs when something calls jifen run (docs/operating.md)"
        raise NothingToCheckError(why) from None


def prefect_server(here: Here) -> str:
    """It answers this machine alone or asks for a password, sends no usage statistics, and forgets old runs."""
    if here.prefect.server:
        raise CheckFailedError(" ".join(here.prefect.server))
    return "loopback or password, analytics off, old runs vacuumed"


def worker(here: Here) -> str:
    """A worker of it is online."""
    if here.prefect.idle:
        raise CheckFailedError(" ".join(line.partition(" Next:")[0] for line in here.prefect.idle))
    return "online"


def as_ours(here: Here, kinds: Sequence[str], good: str) -> str:
    """Of these kinds nothing on the server is unlike our files and the ledger; answers what is `good` about them."""
    if found := [f"{one.name} {one.what}" for one in here.prefect.changes if one.kind in kinds]:
        raise CheckFailedError("; ".join(found))
    return good
