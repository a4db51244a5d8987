"""The night as a Prefect flow: each step a thin task, the recipe itself unchanged."""

import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from connectors.errors import ConfigError
from connectors.pull import Pulled, waves
from connectors.source_files import read_sources
from connectors.spec import Dataset, Source
from connectors.zone import read_zone
from flows import recipe
from flows.deliver import deliver_pending
from flows.faults import sentence
from flows.night import Night
from flows.outcome import Outcome
from flows.prefect_page import show_night
from flows.publish import publish_edition
from flows.pull_source import pull_source
from flows.relay import notify_pending
from flows.steps import Steps
from ledger.env_file import load_env_file
from ledger.settings import Settings, SettingsError

T = TypeVar("T")


class NightFailedError(RuntimeError):
    """A night of which the exit code of `jifen run` is not 0; `outcome` is how it ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.state}: {outcome.message}")
        self.outcome = outcome


log = logging.getLogger("jifen")
ENDED: list[Outcome] = []
"""How the nights of this process ended, for a caller that can no longer get it from Prefect."""

# A driver has tried for JIFEN_RETRY_SECONDS by then; these are for an agency that comes back a minute later.
PULL_RETRIES = 2
RETRY_DELAYS_SECONDS = [15.0, 60.0]


def _is_transient(_task: object, _run: object, state: State[Any]) -> bool:
    return getattr(state.data, "whose", None) == "transient"


# Nothing is cached or persisted by Prefect: the ledger alone knows what was done.
@task(
    name="pull",
    retries=PULL_RETRIES,
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=_is_transient,
    cache_policy=NO_CACHE,
)
def pull_task(night: Night, source: Source, dataset: Dataset) -> Pulled | State[Pulled]:
    """Ingest one dataset; an agency that did not answer is tried again later, and the last result counts.

    A dataset that failed is a failed task; the others go on, and the recipe decides what its absence means.
    """
    pulled = recipe.pull_one(night, source, dataset)
    return Failed(message=pulled.message, data=pulled) if pulled.state in ("failed", "held") else pulled


def _quoted(*given: Any) -> tuple[Any, ...]:
    """The arguments of a task, quoted: Prefect would walk through them while other tasks change what they share."""
    return tuple(map(quote, given))


def _step(name: str, function: Callable[..., T], retries: int = 0) -> Callable[..., T]:
    """A step as a task. What it raises is its failed state, in one line; the recipe gets the error itself."""

    # Prefect logs a traceback for an error that leaves a task. It logs nothing for a failed state that a task returns
    # and that its retry condition declines.
    @task(
        name=name,
        retries=max(retries, 1),
        retry_delay_seconds=5,
        retry_condition_fn=lambda *_: retries > 0,
        cache_policy=NO_CACHE,
    )
    def step(*given: Any) -> T | State[T]:
        try:
            return function(*given)
        except Exception as error:  # noqa: BLE001 - the recipe handles it, outside this task
            return Failed(message=sentence(error), data=error)

    def result(*given: Any) -> T:
        state: State[Any] = step(*_quoted(*given), return_state=True)
        found: T = state.result()
        return found

    return result


def _pull_all(night: Night) -> list[Pulled]:
    """One task for each dataset, a few at a time; a child after its parent."""
    pulled: list[Any] = []
    for wave in waves(night.sources):
        futures: list[Any] = []
        for source, dataset in wave:
            pulling: Any = pull_task.with_options(name=f"pull {source.name}.{dataset.name}")
            futures.append(pulling.submit(*_quoted(night, source, dataset)))
        pulled += [future.result(raise_on_failure=False) for future in futures]
    return pulled


# Build and gate are not retried: the same inputs fail the same way. Publishing is safe to repeat. What cannot be sent
# stays pending in the ledger, and the drivers have tried within their own budget.
TASKS = Steps(
    _pull_all,
    _step("build", recipe.build_candidate),
    _step("gate", recipe.audit_candidate),
    _step("publish", publish_edition, retries=1),
    _step("deliver", deliver_pending),
    _step("notify", notify_pending),
)


def _run_name() -> str:
    """The name of a flow run on its page: the business date of its night."""
    given = flow_run.parameters
    try:
        return f"night of {given.get('as_of') or scheduled_date(_settings(), given.get('scheduled'))}"
    except SettingsError:
        return "night"


def _settings() -> Settings:
    """The settings of this installation, which a worker does not have in its environment."""
    load_env_file()
    return Settings()


@flow(
    name="nightly",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=recipe.CONNECTIONS_AT_ONCE),  # type: ignore[arg-type]
    persist_result=False,
    validate_parameters=True,
)
def nightly(as_of: date | None = None, scheduled: datetime | None = None) -> Outcome | State[Outcome]:
    """Run the whole night.

    `as_of` is the business date. Without it the date of the scheduled start in the zone's own time is taken, never the
    clock's: a worker may begin a run early, or hours late. The edition of a date before the current edition's is
    built beside it and not published. `scheduled` is the start for which a night that crashed, and is run again, was
    scheduled.

    Ends as Failed in Prefect whenever the exit code of `jifen run` would not be 0; its data is a `NightFailedError`, or
    the error that kept the night from beginning.
    """
    try:
        settings = _settings()
        day = as_of or scheduled_date(settings, scheduled)
        log.info("Prefect: %s", flow_run.ui_url)
        outcome = recipe.run_night(settings, day, f"prefect:{flow_run.id}", TASKS)
        ENDED.append(outcome)
        show_night(settings, outcome)
    except Exception as error:  # noqa: BLE001 - one line on the run's page, no traceback
        return _failed(error)
    return outcome if outcome.exit_code == 0 else _failed(NightFailedError(outcome))


# Half an hour in all, which is longer than a night holds the data folder.
@flow(name="pull", flow_run_name="pull {source}", retries=3, retry_delay_seconds=600, persist_result=False)
def pull(source: str, as_of: date | None = None) -> list[str] | State[list[str]]:
    """Pull one source beside the night, by its own calendar. Records land; nothing is built, published or sent.

    Tried again where the night, or another pull, holds the data folder. One dataset that was not pulled fails it.
    """
    try:
        settings, sources = _settings(), read_sources()
        wanted = next((one for one in sources if one.name == source), None)
        if wanted is None:
            raise ConfigError(
                f"no source {source}.", "connectors/sources", "jifen deploy, which removes its deployment"
            )
        day = as_of or scheduled_date(settings) or settings.today
        pulled = pull_source(settings, wanted, read_zone(settings.zone_file, sources), day)
    except Exception as error:  # noqa: BLE001 - one line on the run's page, no traceback
        return _failed(error)
    lines = [f"{one.source}.{one.dataset} {one.state}: {one.message or one.rows_landed}" for one in pulled]
    if any(one.state in ("failed", "held") for one in pulled):
        return Failed(message="; ".join(lines))
    return lines


def _failed(error: Exception) -> State[Any]:
    """The failed state, with the error in one line; a worker's engine would also log its traceback, twice."""
    for name in ("prefect.engine", "prefect.flow_runs"):
        logging.getLogger(name).addFilter(lambda record: not (record.exc_info and record.exc_info[1] is error))
    message = str(error) if isinstance(error, NightFailedError) else sentence(error)
    return Failed(message=message, data=error)


def scheduled_date(settings: Settings, scheduled: object = None) -> date | None:
    """The day for which this run was scheduled, in the zone's time; None outside a flow run."""
    moment = scheduled or flow_run.scheduled_start_time
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(settings.zone).date()
