"""Retention: what of a data folder may be dropped by a policy, what is in use and stays, and dropping it.

What proves an edition is never dropped, nor what `current` or an open matter needs. The journal records what was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sqlalchemy import Engine, select

from connectors.errors import ConfigError
from connectors.landing import landed_path
from connectors.quarantine import in_force
from connectors.refusals import quarantine_path
from connectors.source_files import faults_of, read_sources
from connectors.strict import Strict
from editions.drop import drop_tables, droppable_files
from editions.durable import remove_tree
from editions.manifest import read_manifest
from editions.places import edition_path, is_dropped, parent_of
from ledger import journal
from ledger.acts import earlier_edition, withdrawn
from ledger.batches import promoted_batches
from ledger.data_folder import raw_path
from ledger.files import bytes_of, files_under, open_to_readers
from ledger.publications import current_id, publication_rows
from ledger.runs import exclusive_run, latest_runs
from ledger.settings import Settings
from ledger.store import NotPossibleError, open_ledger, rows
from ledger.tables import batches, deliveries, editions, objections, outbox, pages, publicities
from ledger.yaml_file import read_yaml

SHIPPED = Path(__file__).with_name("retention.yml")
BY_AGE = ("candidates", "splits", "reports", "logs")
NEVER = ("deliveries", "returns")
_ENDED = ("landed", "unchanged", "refused", "abandoned")

Batch = tuple[str, str, str]
LEAP_DAYS, SURE_NIGHTS = 180, 30
"""So many days without a night are taken for a clock that leapt, until so many nights have followed."""

Days = Annotated[int, Field(ge=0, le=100_000)]
"""So many back from today is still a date, and longer than any data is kept."""


class EditionRule(Strict):
    """For how many days every edition stays whole, and for how many the last one of each month."""

    all_days: Days
    month_ends_days: Days


class Policy(Strict):
    """After how many days each kind may go."""

    editions: EditionRule
    raw: Days
    landed: Days
    quarantine: Days
    candidates: Days
    splits: Days
    reports: Days
    logs: Days


@dataclass(frozen=True)
class Going:
    """One kind of data: how much of it there is, and what is to be dropped; `what` names that for the journal."""

    kind: str
    files: int
    bytes: int
    what: tuple[str, ...]
    going: tuple[Path, ...]
    going_bytes: int


def read_policy(path: Path) -> Policy:
    """The policy of a file. Raises `ConfigError` for one that is not valid."""
    try:
        return Policy.model_validate(read_yaml(path.read_bytes()))
    except (OSError, ValueError) as error:
        what = f"not a valid policy of retention: {faults_of(error, Policy)}."
        raise ConfigError(what, str(path), f"fix it ({SHIPPED} is the shipped one), then jifen retention") from error


def plan(settings: Settings, policy: Policy) -> list[Going]:
    """What would go today, kind by kind; nothing is touched."""
    ledger, today = open_ledger(settings), settings.today
    dropped = _editions_to_drop(ledger, settings, policy.editions, today)
    whole = [one for one in _whole(ledger, settings) if one not in dropped]
    return [
        _going(
            settings,
            "editions",
            dropped,
            [file for one in dropped for file in droppable_files(edition_path(settings.data_dir, one))],
        ),
        *_of_batches(ledger, settings, policy, today, whole),
        *(_of_age(settings, kind, getattr(policy, kind), today) for kind in BY_AGE),
        *(_going(settings, kind, (), ()) for kind in NEVER),
    ]


def apply(settings: Settings, policy: Policy, who: str) -> list[Going]:
    """Drop what the policy lets go, under the lock of the data folder; answers what went.

    The journal entry is written before anything is removed; after an interruption the next call removes the rest.
    Raises `NotPossibleError` where the clock may have leapt ahead: by it everything would be old.
    """
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings)
        _require_no_leap(ledger, settings.today)
        found = plan(settings, policy)
        for one in found:
            if not one.what:
                continue
            entry = {"kind": one.kind, "what": list(one.what), "files": len(one.going), "bytes": one.going_bytes}
            with ledger.begin() as connection:
                journal.append(connection, journal.DROPPED, {**entry, "policy": policy.model_dump(), "decided_by": who})
            if one.kind == "editions":
                for edition_id in one.what:
                    path = edition_path(settings.data_dir, edition_id)
                    drop_tables(path, settings.today)
                    open_to_readers(path, settings.readers_group)
            else:
                for path in one.going:
                    remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return found


def _require_no_leap(ledger: Engine, today: date) -> None:
    nights = latest_runs(ledger, SURE_NIGHTS, parts=())
    for later, earlier in pairwise([today, *(date.fromisoformat(night["started_at"][:10]) for night in nights)]):
        if (later - earlier).days > LEAP_DAYS:
            raise NotPossibleError(
                f"no night began between {earlier} and {later}: if a clock is wrong, data would go that are not old. "
                f"Nothing was dropped. Next: jifen doctor; where the clock is right, again after {SURE_NIGHTS} nights"
            )


def why_editions_stay(ledger: Engine, settings: Settings) -> dict[str, str]:
    """The editions that are still needed, each with why, whatever their age."""
    stay: dict[str, str] = {}
    newest: dict[str, str] = {}
    for row in rows(ledger, select(deliveries).order_by(deliveries.c.number)):
        if row["state"] == "sent":
            newest[row["recipient"]] = row["edition_id"]
        waits = row["ack_due_on"] and row["ack_state"] not in ("accepted", "rejected")
        if row["state"] == "pending" or (row["state"] == "sent" and waits):
            stay[row["edition_id"]] = f"its delivery to {row['recipient']} is {row['state']} and not answered"
    stay |= {edition_id: f"{recipient} has it" for recipient, edition_id in newest.items()}
    for table, closed, what in (
        (outbox, outbox.c.state != "pending", "a message about it is not sent"),
        (objections, objections.c.closed_on.is_not(None), "an objection to it is open"),
        (publicities, publicities.c.closed_on.is_not(None), "a list of it is in public"),
    ):
        stay |= {row["edition_id"]: what for row in rows(ledger, select(table).where(~closed))}
    if current := current_id(ledger):
        stay[current] = "it is current"
        if before := earlier_edition(ledger, current):
            stay[before] = "a withdrawal of current goes back to it"
        if parent := parent_of(read_manifest(edition_path(settings.data_dir, current))):
            stay[parent] = "current follows it"
    return stay


def _whole(ledger: Engine, settings: Settings) -> list[str]:
    """The editions whose folder is there and has its tables."""
    found = [row["edition_id"] for row in rows(ledger, select(editions).order_by(editions.c.as_of))]
    paths = {edition_id: edition_path(settings.data_dir, edition_id) for edition_id in found}
    return [edition_id for edition_id, path in paths.items() if path.is_dir() and not is_dropped(path)]


def _editions_to_drop(ledger: Engine, settings: Settings, rule: EditionRule, today: date) -> list[str]:
    last_of: dict[str, str] = {}
    days = {row["edition_id"]: date.fromisoformat(row["as_of"]) for row in rows(ledger, select(editions))}
    gone = withdrawn(ledger)
    # Of several editions of one day the one that was made current last.
    for row in sorted(publication_rows(ledger), key=lambda row: (row["as_of"], row["publication_no"])):
        if row["edition_id"] not in gone:
            last_of[row["as_of"][:4]] = last_of[row["as_of"][:7]] = row["edition_id"]
    stay = why_editions_stay(ledger, settings)
    going = []
    for edition_id in _whole(ledger, settings):
        day = days[edition_id]
        age = (today - day).days
        is_last = edition_id == last_of.get(f"{day:%Y}") or (
            age <= rule.month_ends_days and edition_id == last_of.get(f"{day:%Y-%m}")
        )
        if age > rule.all_days and not is_last and edition_id not in stay:
            going.append(edition_id)
    paths = {edition_id: edition_path(settings.data_dir, edition_id) for edition_id in days}
    # And those whose drop was interrupted by a kill.
    return [*going, *(one for one, path in paths.items() if is_dropped(path) and droppable_files(path))]


def _of_batches(
    ledger: Engine, settings: Settings, policy: Policy, today: date, whole: Iterable[str]
) -> Iterator[Going]:
    """Raw, landed and refused of the batches that nothing needs any more."""
    every = {(row["source"], row["dataset"], row["batch"]): row for row in rows(ledger, select(batches))}
    raw: dict[Batch, list[str]] = defaultdict(list)
    for row in rows(ledger, select(pages)):
        raw[row["source"], row["dataset"], row["batch"]].append(row["raw_sha256"])
    used, named = set(_standing(ledger)), set[str]()
    for edition_id in whole:
        for one in read_manifest(edition_path(settings.data_dir, edition_id))["inputs"]:
            names = [batch["batch"] if isinstance(batch, Mapping) else batch for batch in one["batches"]]
            used |= {(one["source"], one["dataset"], batch) for batch in names}
            named |= {path for path, _ in one.get("files", ())}
    places = {"landed": landed_path, "quarantine": quarantine_path}
    for kind in ("raw", "landed", "quarantine"):
        limit = (today - timedelta(days=getattr(policy, kind))).isoformat()
        free = {
            key for key, row in every.items() if row["state"] in _ENDED and row["as_of"] < limit and key not in used
        }
        if kind == "raw":
            kept = {sha256 for key, some in raw.items() if key not in free for sha256 in some}
            of_batch = {key: [raw_path(settings.data_dir, one) for one in raw[key] if one not in kept] for key in free}
        else:
            of_batch = {key: [places[kind](settings.data_dir, *key)] for key in free}
        stays = {settings.data_dir / path for path in named}
        there = {key: [path for path in some if path.exists() and path not in stays] for key, some in of_batch.items()}
        what = sorted(f"{source}.{dataset} {batch}" for (source, dataset, batch), paths in there.items() if paths)
        going = dict.fromkeys(path for paths in there.values() for path in paths)
        yield _going(settings, kind, what, list(going))


def _standing(ledger: Engine) -> Iterator[Batch]:
    """The batches of which today's facts are made: of a snapshot the last ones, of all else all."""
    declared = {(one.source, one.name): one for source in read_sources() for one in source.datasets}
    for source, dataset in {(row["source"], row["dataset"]) for row in rows(ledger, select(batches))}:
        promoted = promoted_batches(ledger, source, dataset, date.max)
        known = declared.get((source, dataset))
        if known is not None and known.load == "snapshot":
            counting = in_force(known, promoted)
            last = [row for row in promoted if row["state"] == "landed"][-1:]
            promoted = [*counting, *last]
            yield from ((source, dataset, row["same_as"]) for row in counting if row["same_as"])
        yield from ((source, dataset, row["batch"]) for row in promoted)


def _of_age(settings: Settings, kind: str, days: int, today: date) -> Going:
    """What stands directly in a folder and was last changed more than so many days ago."""
    limit = datetime.combine(today, datetime.min.time(), settings.zone) - timedelta(days=days)
    found = sorted((settings.data_dir / kind).glob("[!.]*"))
    old = [path for path in found if path.lstat().st_mtime < limit.timestamp()]
    return _going(settings, kind, [path.name for path in old], old)


def _going(settings: Settings, kind: str, what: Sequence[str], going: Sequence[Path]) -> Going:
    there = files_under(settings.data_dir / kind)
    freed = [file for path in going for file in (files_under(path) if path.is_dir() else [path])]
    return Going(kind, len(there), bytes_of(there), tuple(what), tuple(going), bytes_of(freed))
