"""Checks of what a pull costs and outputs: requests, connections, memory, faults, secrets in files and messages."""

import math
from collections import Counter
from datetime import datetime

from connectors.drivers.paging import TimeWindow
from connectors.spec import RestConnection
from sandbox.acceptance.canaries import Secret, found_in_folder, pattern_of, secrets_of
from sandbox.acceptance.matrix import WRONG, Cell, cells_of, run_cell
from sandbox.acceptance.memory import measurable, measure
from sandbox.acceptance.trial import NotApplicableError, Trial, check, expect

MEMORY_BYTES = 512 * 1024 * 1024
FAULTS_SAMPLED = 6
SPARE_REQUESTS = 2


@check("请求数在预算内", "requests within budget", "journal")
def requests_within_budget(trial: Trial) -> str:
    """An agency counts requests: one for each page, those for logins and report orders, and two spare ones."""
    requests = _rest_requests(trial)
    store, counts = trial.healthy.required(), []
    for dataset in trial.datasets:
        pages = len(store.pages(dataset, store.promoted(dataset)[0]["batch"]))
        asked = sum(1 for one in requests if one["dataset"] == dataset.name and one["kind"] == "data")
        budget = pages + SPARE_REQUESTS
        if isinstance(dataset.paginator, TimeWindow):
            # Each window over the cap is requested once before it is halved.
            budget += pages + math.ceil(math.log2(max((trial.as_of - dataset.paginator.start).days, 2)))
        expect(asked <= budget, f"{dataset.name}: {asked} requests for {pages} pages, {budget} allowed")
        counts.append(f"{dataset.name}: {asked} for {pages} pages")
    kinds = Counter(one["kind"] for one in requests if one["kind"] != "data")
    expect(kinds["token"] + kinds["login"] <= len(trial.datasets) + SPARE_REQUESTS, f"too many logins: {dict(kinds)}")
    return "; ".join(counts) + "".join(f", {count} {kind}" for kind, count in kinds.items())


def _rest_requests(trial: Trial) -> list[dict[str, object]]:
    if not isinstance(trial.source.connection, RestConnection):
        raise NotApplicableError(f"driver {trial.source.driver} sends no requests that could be counted")
    trial.healthy.required()
    requests = [one for one in trial.healthy.requests if one["source"] == trial.source.name]
    expect(requests, "the agency's journal is empty: nothing was counted")
    return requests


@check("并发不超限", "connections within the limit", "journal")
def connections_within_limit(trial: Trial) -> str:
    """An agency locks out a client that sends requests too fast.

    The stand-in waits `latency_ms` before each answer: requests that arrive within that time are in flight together.
    """
    connection, requests, waits = trial.source.connection, _rest_requests(trial), trial.latency_ms / 1000
    if not isinstance(connection, RestConnection) or not waits:
        raise NotApplicableError(
            "the agency answers without delay: no two requests can be shown to be in flight together"
        )
    # A tenth is left for the moment between a request's arrival and its line in the journal.
    moments = sorted(datetime.fromisoformat(str(one["at"])).timestamp() for one in requests)
    most = max(sum(1 for other in moments if one <= other < one + 0.9 * waits) for one in moments)
    limit = connection.limits.connections
    expect(most <= limit, f"{most} requests in flight, {limit} allowed")
    return f"{most} in flight, {limit} allowed"


@check("内存有界", "memory bounded")
def memory_bounded(trial: Trial) -> str:
    """One agency's file must not stop the night: a pull grows by less than 512 MB, also under a bomb."""
    if not measurable():
        raise NotApplicableError("this system does not report the peak memory of a process")
    every = cells_of(trial.source, trial.datasets, trial.kinds, ("middle",))
    bombs = [cell for cell in every if "bomb" in cell.kind or "huge" in cell.kind]
    chosen = trial.choose("bombs").sample(bombs, len(bombs) if trial.full else min(1, len(bombs)))
    growth = [f"healthy {_measured(trial, None)} MB", *(f"{one.kind} {_measured(trial, one)} MB" for one in chosen)]
    return ", ".join(growth)


def _measured(trial: Trial, cell: Cell | None) -> int:
    if "faults" in trial.abilities:
        trial.agency.set_faults([cell.plan()] if cell else [])
    with trial.store() as store:
        store.ledger.dispose()
        taken, printed = measure(trial.source, trial.zone, store.settings, trial.as_of)
    trial.output.append(printed)
    expect(taken.growth < MEMORY_BYTES, f"{cell.kind if cell else 'a healthy pull'} grows by {taken.growth >> 20} MB")
    if cell is None:
        expect(not any(state.endswith("failed") for state in taken.states), f"in a child: {', '.join(taken.states)}")
    return taken.growth >> 20


@check("故障下数据正确或明确停止", "faults: right or loud", "faults", "truth")
def faults_right_or_loud(trial: Trial) -> str:
    """Silently wrong data are never corrected: data are right, a record is refused, or the pull stops with an error."""
    every = list(cells_of(trial.source, trial.datasets, trial.kinds))
    if not every:
        raise NotApplicableError("the agency has no fault for this driver")
    sample = every if trial.full else trial.choose("faults").sample(every, min(FAULTS_SAMPLED, len(every)))
    judged = [run_cell(trial, cell) for cell in sample]
    wrong = [f"{c.kind} on {c.dataset} ({c.position}): {c.outcome}: {c.why}" for c in judged if c.outcome in WRONG]
    expect(not wrong, "; ".join(wrong))
    outcomes = Counter(one.outcome for one in judged)
    expect(set(outcomes) != {"not met"}, "no fault of the sample was met")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{counts}, of {len(every)} (seed {trial.seed}): {', '.join(sorted({one.kind for one in judged}))}"


@check("任何输出无密钥", "secrets nowhere in any output")
def secrets_nowhere(trial: Trial) -> str:
    """No secret may stand in a file of this run, a log line, an error or an answer; so this check is last."""
    secrets = secrets_of(trial.source, trial.agency.env)
    secrets += [Secret("a wrong secret", (text.encode(),)) for text in trial.wrong if not text.startswith("/")]
    unsearched = sorted({one.variable for one in secrets if not one.forms})
    pattern = pattern_of(secrets)
    if pattern is None:
        short = f"{', '.join(unsearched)} is too short, or holds no secret"
        raise NotApplicableError(f"nothing to search for: {short if unsearched else 'the connection names no secret'}")
    hits = [text for one in trial.output if pattern.search(text := one.encode("utf-8", "backslashreplace"))]
    shown = pattern.sub(b"***", hits[0]).decode()[-300:] if hits else ""
    expect(not hits, f"in {len(hits)} of {len(trial.output)} texts of output, such as: {shown}")
    files = found_in_folder(trial.settings.data_dir, pattern)
    expect(not files, f"in {', '.join(files[:5])}")
    skipped = f"; too short or no secret inside: {', '.join(unsearched)}" if unsearched else ""
    return f"{len(secrets)} secrets, {len(trial.output)} texts of output{skipped}"
