"""A Prefect server compared with `prefect.yaml` and the source files, and the changes that make it equal to them.

For runs the ledger decides: one that Prefect shows as running and the ledger knows to have ended is ended there too.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Engine, select

from connectors.errors import ConfigError
from connectors.spec import Source
from flows.prefect_server import require_api
from flows.texts import counted
from ledger.runs import SILENT_SECONDS, is_alive
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import rows
from ledger.tables import runs
from ledger.yaml_file import read_yaml

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State
    from prefect.events.schemas.automations import AutomationCore

POOL, DEPLOYMENT, AUTOMATION, RUN, SLOTS = "work pool", "deployment", "automation", "flow run", "concurrency slots"
OURS = "jifen"
"""The tag of what we deploy: a deployment with it that no file names any more is removed."""
ZOMBIES = "jifen: a run that is silent has crashed"
ONCE_MORE = "jifen: a scheduled night that crashed is run once more"
SILENT = timedelta(seconds=SILENT_SECONDS)
"""After how long without a heartbeat, of which one comes in 180 s, a run counts as crashed in Prefect."""
PENDING = timedelta(minutes=10)
"""So long a run may be claimed by a worker before it starts: after that the worker is dead."""


@dataclass(frozen=True)
class Change:
    """One thing that is to be changed on the server, and how."""

    kind: str
    name: str
    what: str
    apply: Callable[[], object] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Survey:
    """What has to be changed, and what we cannot change: pools without a worker, and the server's own settings."""

    changes: tuple[Change, ...]
    idle: tuple[str, ...] = ()
    server: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A deployment as our files define it."""

    name: str
    entrypoint: str
    description: str
    pool: str
    parameters: Mapping[str, Any]
    schedules: tuple[tuple[str, str, bool], ...]
    """Of each: cron, time zone, whether it is active."""
    limit: int | None = None
    """How many of its runs may be at work at once, where the file says so."""


def wanted_of(project: Path, sources: Sequence[Source], settings: Settings) -> list[Wanted]:
    """The deployments of `prefect.yaml`, and one for each source that says when it is pulled beside the night."""
    path = project / "prefect.yaml"
    try:
        found = _deployments_in(read_yaml(path.read_bytes()))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        what = f"says no deployments as jifen makes them ({type(error).__name__}: {str(error)[:200]})."
        follows = "fix it: each has name, entrypoint, work_pool and schedules with a cron; jifen deploy --plan"
        raise ConfigError(what, str(path), follows) from None
    pool = found[0].pool
    for source in sources:
        if source.schedule is not None:
            description = f"{source.agency.zh} {source.agency.en}, beside the night; publishes nothing."
            plans = ((source.schedule, settings.time_zone, True),)
            found.append(
                Wanted(f"pull-{source.name}", "flows.nightly.pull", description, pool, {"source": source.name}, plans)
            )
    return found


def _deployments_in(file: Any) -> list[Wanted]:
    """The deployments that `prefect.yaml` defines, one at least."""
    found = [
        Wanted(
            one["name"],
            one["entrypoint"],
            one.get("description", ""),
            one["work_pool"]["name"],
            one.get("parameters") or {},
            tuple(
                (plan["cron"], plan.get("timezone", "UTC"), plan.get("active", True))
                for plan in one.get("schedules") or ()
            ),
            one.get("concurrency_limit"),
        )
        for one in file["deployments"]
    ]
    if not found:
        raise LookupError("none is named")
    if unclear := [active for one in found for _, _, active in one.schedules if not isinstance(active, bool)]:
        raise ValueError(f"active is true or false, not {unclear[0]}")
    return found


@contextmanager
def client_of_server() -> Iterator["SyncPrefectClient"]:
    """The client of the configured server, which answers; a `ConnectorError` says why it does not."""
    require_api()
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


def survey(client: "SyncPrefectClient", wanted: Sequence[Wanted], ledger: Engine | None) -> Survey:
    """Compare the server with our files and with the ledger. Nothing is changed."""
    open_runs = _open_runs(client, wanted)
    over = dict(_over(client, open_runs, ledger))
    changes = [
        *_pools(client, wanted),
        *_deployments(client, wanted),
        *_automation(client),
        *over.values(),
        *_slots(client, wanted, [run.deployment_id for run in open_runs if run.id not in over]),
    ]
    return Survey(tuple(changes), tuple(_idle(client, wanted)), tuple(_amiss_with_server(client)))


def _pools(client: "SyncPrefectClient", wanted: Sequence[Wanted]) -> Iterator[Change]:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate

    there = {pool.name: pool for pool in client.read_work_pools()}
    for name in dict.fromkeys(one.pool for one in wanted):
        if name not in there:
            new = WorkPoolCreate(name=name, type="process")
            yield Change(POOL, name, "is not there: made, of type process", partial(client.create_work_pool, new))
        elif there[name].is_paused:
            resume = partial(client.update_work_pool, name, WorkPoolUpdate(is_paused=False))
            yield Change(POOL, name, "is paused: resumed", resume)


def _deployments(client: "SyncPrefectClient", wanted: Sequence[Wanted]) -> Iterator[Change]:
    from prefect.exceptions import ObjectNotFound

    for one in wanted:
        flow = one.entrypoint.rpartition(".")[2]
        try:
            found = _found_facts(client.read_deployment_by_name(f"{flow}/{one.name}"))
        except ObjectNotFound:
            yield Change(DEPLOYMENT, one.name, "is not there: made", partial(_deploy, client, one))
            continue
        facts = _wanted_facts(one)
        if other := [name for name, value in facts.items() if found[name] != value]:
            differs = "; ".join(f"{name} is {found[name]}, the file says {facts[name]}" for name in other)
            yield Change(DEPLOYMENT, one.name, f"{differs}: as the file says", partial(_deploy, client, one))
    named = {one.name for one in wanted}
    for there in client.read_deployments():
        if OURS in there.tags and there.name not in named:
            gone = partial(client.delete_deployment, there.id)
            yield Change(DEPLOYMENT, there.name, "no file says it any more: removed", gone)


def _wanted_facts(one: Wanted) -> dict[str, Any]:
    return {
        "entrypoint": one.entrypoint,
        "description": one.description,
        "work pool": one.pool,
        "parameters": dict(one.parameters),
        "schedules": sorted(one.schedules),
        "folder": _pull_steps(),
        "paused": False,
        "limit": one.limit,
    }


def _found_facts(found: Any) -> dict[str, Any]:
    """A deployment of the server, with the keys of `_wanted_facts`; a schedule that is no cron stays as it is."""
    plans = [
        (getattr(one.schedule, "cron", str(one.schedule)), getattr(one.schedule, "timezone", None), one.active)
        for one in found.schedules
    ]
    return {
        "entrypoint": found.entrypoint,
        "description": found.description or "",
        "work pool": found.work_pool_name,
        "parameters": found.parameters,
        "schedules": sorted(plans, key=str),
        "folder": found.pull_steps,
        "paused": found.paused,
        "limit": found.global_concurrency_limit and found.global_concurrency_limit.limit,
    }


def _pull_steps() -> list[dict[str, Any]]:
    folder = os.environ.get("JIFEN_PROJECT_DIR") or str(PROJECT_DIR)
    return [{"prefect.deployments.steps.set_working_directory": {"directory": folder}}]


def _deploy(client: "SyncPrefectClient", one: Wanted) -> None:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.utilities.callables import parameter_schema

    from flows import nightly

    flow = getattr(nightly, one.entrypoint.rpartition(".")[2])
    plans = [
        DeploymentScheduleCreate(schedule=CronSchedule(cron=cron, timezone=zone), active=active)
        for cron, zone, active in one.schedules
    ]
    client.create_deployment(
        client.create_flow_from_name(flow.name),
        one.name,
        schedules=plans,
        parameters=dict(one.parameters),
        description=one.description,
        concurrency_limit=one.limit,
        work_pool_name=one.pool,
        entrypoint=one.entrypoint,
        pull_steps=_pull_steps(),
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        tags=[OURS],
        paused=False,
    )


def _automation(client: "SyncPrefectClient") -> Iterator[Change]:
    for wanted in (zombie_automation(), once_more_automation()):
        found = next(iter(client.read_automations_by_name(wanted.name)), None)
        if found is None:
            yield Change(AUTOMATION, wanted.name, "is not there: made", partial(client.create_automation, wanted))
        elif _compared(found) != _compared(wanted):
            update = partial(client.update_automation, found.id, wanted)
            yield Change(AUTOMATION, wanted.name, "is another one: as we mean it", update)


def _compared(one: "AutomationCore") -> dict[str, Any]:
    meant = {"expect", "after", "within", "match", "match_related", "posture"}
    return one.model_dump(include={"enabled": True, "trigger": meant})


def zombie_automation() -> "AutomationCore":
    """The automation by which Prefect marks a run without heartbeats as crashed: by itself a server does not.

    It also watches a run that a worker claimed: a worker that dies before the start sends no heartbeat at all.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    claimed, begun, beat = (f"prefect.flow-run.{what}" for what in ("Pending", "Running", "heartbeat"))
    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={claimed, begun, beat},
        expect={begun, beat, *ends},
        match={"prefect.resource.id": ["prefect.flow-run.*"]},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENT,
    )
    crash = ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat: jifen status says how the night ended")
    return AutomationCore(name=ZOMBIES, trigger=trigger, actions=[crash])


def once_more_automation() -> "AutomationCore":
    """The automation that runs a crashed scheduled night again, once, for its day: that run is not a scheduled one."""
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    trigger = EventTrigger(
        expect={"prefect.flow-run.Crashed"},
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=[
            {"prefect.resource.role": "deployment", "prefect.resource.name": "nightly"},
            {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.auto-scheduled"},
        ],
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        # Two may report the same run as crashed: within this time that counts once.
        within=timedelta(hours=1),
    )
    its_time = {"__prefect_kind": "jinja", "template": "{{ flow_run.expected_start_time }}"}
    again = RunDeployment(source="inferred", parameters={"scheduled": its_time})
    return AutomationCore(name=ONCE_MORE, trigger=trigger, actions=[again])


def _over(
    client: "SyncPrefectClient", open_runs: "Sequence[FlowRun]", ledger: Engine | None
) -> Iterator[tuple[UUID, Change]]:
    """Runs that a dead worker claimed and never started, and those at work that the ledger knows to have ended."""
    from prefect.client.schemas.objects import StateType
    from prefect.states import Cancelled, Crashed

    ended = _ended_in(ledger) if ledger is not None else {}
    now = datetime.now(UTC)
    for run in open_runs:
        since = run.state.timestamp if run.state else now
        if run.state_type == StateType.PENDING and now - since > PENDING:
            what = f"claimed since {since:%Y-%m-%d %H:%M} UTC and never started: cancelled"
            state: State[Any] = Cancelled(message="claimed by a worker that never started it")
        elif run.state_type == StateType.RUNNING and (how := ended.get(str(run.id))):
            what = f"at work by Prefect, by the ledger {how}: crashed"
            state = Crashed(message=f"the ledger says: {how}")
        else:
            continue
        # By force: the server's own rules would wait for the dead run to agree.
        end = partial(client.set_flow_run_state, run.id, state, force=True)
        yield run.id, Change(RUN, f"{run.name} {run.id}", what, end)


def _open_runs(client: "SyncPrefectClient", wanted: Sequence[Wanted]) -> "list[FlowRun]":
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter

    flows = sorted({one.entrypoint.rpartition(".")[2] for one in wanted})
    return client.read_flow_runs(
        flow_filter=FlowFilter(name={"any_": flows}),
        flow_run_filter=FlowRunFilter(state={"type": {"any_": ["PENDING", "RUNNING"]}}),
    )


def _ended_in(ledger: Engine) -> dict[str, str]:
    """The runs of Prefect that the ledger knows to be over, each with how; of one tried again, the last try."""
    found = rows(ledger, select(runs).where(runs.c.driver.startswith("prefect:")).order_by(runs.c.run_no))
    last = {row["driver"].partition(":")[2]: row for row in found}
    return {
        flow_run_id: "its process has ended" if row["state"] == "running" else row["state"]
        for flow_run_id, row in last.items()
        if row["state"] != "running" or not is_alive(row)
    }


def _slots(client: "SyncPrefectClient", wanted: Sequence[Wanted], at_work: Sequence[UUID | None]) -> Iterator[Change]:
    """Slots of our deployments that more runs hold than there are: a worker died between claim and start."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

    limits = {one.name: one.limit for one in wanted}
    for there in client.read_deployments():
        limit, held = there.global_concurrency_limit, at_work.count(there.id)
        # A limit that differs from ours is replaced as a whole, with its slots.
        if limit is not None and limit.limit == limits.get(there.name) and limit.active_slots > held:
            update = GlobalConcurrencyLimitUpdate(active_slots=held)
            free = partial(client.update_global_concurrency_limit, limit.name, update)
            yield Change(SLOTS, there.name, f"{limit.active_slots} taken, {counted(held, 'run')} at work: freed", free)


def _idle(client: "SyncPrefectClient", wanted: Sequence[Wanted]) -> Iterator[str]:
    pools = {pool.name for pool in client.read_work_pools()}
    for pool in dict.fromkeys(one.pool for one in wanted):
        workers = client.read_workers_for_work_pool(pool) if pool in pools else []
        if not any(one.status is not None and one.status.value == "ONLINE" for one in workers):
            yield f"no worker of pool {pool} is online. Next: .venv/bin/prefect worker start --pool {pool}"


def _amiss_with_server(client: "SyncPrefectClient") -> Iterator[str]:
    """Each fault of the server's version and of its own settings, which are set where it is started."""
    theirs, ours = client.api_version(), client.client_version()
    if theirs != ours:
        yield f"the server is Prefect {theirs}, and here is {ours}. Next: install the same there: make setup"
    try:
        server = client.request("GET", "/admin/settings").json()["server"]
        has_password, analytics = bool(server["api"]["auth_string"]), server["analytics_enabled"]
        vacuum = server["services"]["db_vacuum"]["enabled"]
    except Exception as error:  # noqa: BLE001 - another version has other settings, and a proxy may keep them to itself
        yield f"the server does not show its settings ({type(error).__name__}). Next: see docs/operating.md"
        return
    if _answers_elsewhere(urlsplit(str(client.api_url)).port or 80) and not has_password:
        yield (
            "the server answers beyond this machine and asks for no password. "
            "Next: start it with --host 127.0.0.1, or set PREFECT_SERVER_API_AUTH_STRING"
        )
    if analytics:
        yield "the server sends usage statistics. Next: start it with PREFECT_SERVER_ANALYTICS_ENABLED=false"
    if vacuum is not True and "flow_runs" not in (vacuum or ()):
        yield (
            "the server keeps every flow run. "
            "Next: start it with PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=events,flow_runs"
        )


def _answers_elsewhere(port: int) -> bool:
    """Whether something listens on this port at the address by which others know this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent: the system only says by which address it would be
        own = probe.getsockname()[0]
        with socket.create_connection((own, port), timeout=1):
            return not own.startswith("127.")
    return False
