"""The night as a Prefect flow: each step a thin task, the recipe itself unchanged."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run, task_run
from prefect.task_runners import ThreadPoolTaskRunner

from connectors.errors import TransientError
from connectors.inputs import Supplied
from connectors.pull import Pulled, waves
from connectors.spec import Dataset, Source
from editions.build import BuildReport
from editions.candidate import Candidate
from expectations.verdict import Verdict
from flows import recipe
from flows.deliver import deliver_owed, notify_owed
from flows.night import Cleared, Night
from flows.outcome import Outcome
from flows.publish import publish_edition
from ledger.settings import Settings

PULL_RETRIES = 2
RETRY_DELAYS_SECONDS = [15.0, 60.0]


class NightFailedError(RuntimeError):
    """The recipe did not end well; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.state}: {outcome.message}")
        self.outcome = outcome


# Nothing is cached or persisted by Prefect: the ledger alone knows what was done.
@task(name="pull", retries=PULL_RETRIES, retry_delay_seconds=RETRY_DELAYS_SECONDS, cache_policy=NO_CACHE)
def pull_task(night: Night, source: Source, dataset: Dataset) -> Pulled:
    """Ingest one dataset; an agency that was away is tried again later, and its last answer stands."""
    pulled = recipe.pull_one(night, source, dataset)
    if pulled.whose == "transient" and task_run.run_count <= PULL_RETRIES:
        raise TransientError(pulled.message or "no answer.", f"{source.name}.{dataset.name}", "tried again by itself")
    return pulled


@task(name="build", cache_policy=NO_CACHE)
def build_task(night: Night, supplied: Sequence[Supplied]) -> tuple[Candidate, BuildReport]:
    """Build the candidate. Not retried: the same inputs fail the same way."""
    return recipe.build_candidate(night, supplied)


@task(name="gate", cache_policy=NO_CACHE)
def gate_task(night: Night, candidate: Candidate) -> Verdict:
    """Audit the candidate. Not retried: a verdict is a verdict."""
    return recipe.audit_candidate(night, candidate)


@task(name="publish", retries=1, retry_delay_seconds=5, cache_policy=NO_CACHE)
def publish_task(night: Night, cleared: Cleared) -> None:
    """Seal and publish; safe to repeat."""
    publish_edition(night, cleared)


# Not retried here: the drivers try again within their own budget, and the ledger keeps what is still owed.
@task(name="deliver", cache_policy=NO_CACHE)
def deliver_task(night: Night) -> list[dict[str, Any]]:
    """Send what is owed; what stays owed goes with the next run."""
    return deliver_owed(night)


@task(name="notify", cache_policy=NO_CACHE)
def notify_task(night: Night) -> list[dict[str, Any]]:
    """Post what is owed; what stays owed goes with the next run."""
    return notify_owed(night)


def _pull_all(night: Night) -> list[Pulled]:
    """One task for each dataset, a few at a time; a child after its parent."""
    pulled: list[Pulled] = []
    for wave in waves(night.sources):
        futures = [
            pull_task.with_options(name=f"pull {source.name}.{dataset.name}").submit(night, source, dataset)
            for source, dataset in wave
        ]
        pulled += [future.result() for future in futures]
    return pulled


TASKS = recipe.Steps(_pull_all, build_task, gate_task, publish_task, deliver_task, notify_task)


def _run_name() -> str:
    """What a night is called on its page: its business date, so that nights can be told apart."""
    return f"night of {flow_run.parameters.get('as_of') or scheduled_date(Settings())}"


@flow(
    name="nightly",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=recipe.CONNECTIONS_AT_ONCE),  # type: ignore[arg-type]
    persist_result=False,
    validate_parameters=True,
)
def nightly(as_of: date | None = None) -> Outcome:
    """Run the whole night.

    `as_of` is the business date. Without it the date of the scheduled start in the zone's own time is taken, never the
    clock's: a worker may begin a run early, or hours late. A date that is wrong publishes that day's facts as current.
    Ends as Failed in Prefect whenever the outcome is neither published nor nothing new.
    """
    settings = Settings()
    outcome = recipe.run_night(settings, as_of or scheduled_date(settings), f"prefect:{flow_run.id}", TASKS)
    if outcome.exit_code != 0:
        raise NightFailedError(outcome)
    return outcome


def scheduled_date(settings: Settings) -> date | None:
    """The day for which this run was scheduled, in the zone's time; None outside a flow run."""
    scheduled = flow_run.scheduled_start_time
    if not isinstance(scheduled, datetime):
        return None
    return scheduled.astimezone(settings.zone).date()
