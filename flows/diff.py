"""What moved each enterprise between two editions: the recipe of one replayed towards the other, a cause at a time."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from connectors.identity_decisions import IdentityDecision
from connectors.inputs import Supplied, lay_out
from editions.build import PARSE_CACHE, build_upon
from editions.candidate import candidates_dir, new_candidate
from editions.causes import CODE, DATA, DATE, IDENTITY, RULES, STALENESS, Cause, causes
from editions.durable import remove_tree
from editions.places import require_edition, split_path
from editions.recipe import rules_sha256
from editions.split import Standing, Step, built_standing, sealed_standing, split, write_split
from flows.night import Night
from flows.rebuild import manifest_of, recipe_of
from ledger.runs import exclusive_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

MODELS = ("+rankings,resource_type:model", "+rankings,resource_type:seed")
"""What a replay builds: all that a ranking is made of, without tests: it is never published."""


@dataclass(frozen=True)
class Recipe:
    """What one state of a replay is built from."""

    as_of: date
    ruleset_id: str
    supplied: Mapping[str, Supplied]
    decisions: tuple[IdentityDecision, ...]


@dataclass(frozen=True)
class EditionDiff:
    """Two editions, why they may differ in the order of the replay, and the split: `editions.split.SPLIT_SCHEMA`."""

    then: str
    now: str
    causes: tuple[Cause, ...]
    table: pa.Table
    builds: int


def diff(settings: Settings, then: str, now: str) -> EditionDiff:
    """Split what moved each enterprise from edition `then` to edition `now` by cause, and keep it for `jifen explain`.

    Each state between the two is built from the recipe of `then` with one cause more taken from `now`; the first and
    the last are the sealed editions themselves, so that the parts add up to what was published. Where one cause alone
    differs nothing is built. The cause `code` is the difference between what the recipe gives today and what was
    sealed. Raises `RebuildError` where an input of either is not here any more.
    """
    with exclusive_run(settings.data_dir):
        return diff_within(settings, open_ledger(settings), then, now)


def diff_within(settings: Settings, ledger: Engine, then: str, now: str) -> EditionDiff:
    """The same for a caller that holds the lock of the data folder already."""
    manifests = [manifest_of(settings, ledger, edition_id) for edition_id in (then, now)]
    why = causes(*manifests)
    ends = [sealed_standing(require_edition(settings.data_dir, one)) for one in (then, now)]
    steps = [Step(None, ends[0])]
    if len(why) > 1:
        nights = [recipe_of(settings, ledger, one, "diff") for one in manifests]
        steps += _between(settings, nights, manifests, why)
    steps.append(Step(_last(why, manifests[1]), ends[1]))
    table = split(steps)
    write_split(table, split_path(settings.data_dir, then, now))
    return EditionDiff(then, now, why, table, len(steps) - 2)


def _last(why: Sequence[Cause], now: Mapping[str, Any]) -> str:
    """The cause that leads to the sealed edition itself."""
    replayed = [cause.name for cause in why if cause.kind != CODE]
    return CODE if not replayed or (len(why) > 1 and _is_elsewhere(now)) else replayed[-1]


def _is_elsewhere(manifest: Mapping[str, Any]) -> bool:
    """Whether an edition was made by other rules or code than those here, so that a replay need not give its bytes."""
    return bool(manifest["rules_sha256"] != rules_sha256(PROJECT_DIR))


def _between(
    settings: Settings,
    nights: Sequence[tuple[Night, list[Supplied]]],
    manifests: Sequence[Mapping[str, Any]],
    why: Sequence[Cause],
) -> Iterator[Step]:
    """The states that have to be built, each with the cause that leads to it."""
    first, last = (_recipe(night, supplied, one) for (night, supplied), one in zip(nights, manifests, strict=True))
    if _is_elsewhere(manifests[0]):
        yield Step(CODE, _built(settings, nights[0][0], first))
    data = [cause for cause in why if cause.kind != CODE]
    for number, cause in enumerate(data):
        first = _swapped(first, last, cause)
        # The last state is the sealed edition itself, unless the code that made it is not here.
        if number < len(data) - 1 or _is_elsewhere(manifests[1]):
            yield Step(cause.name, _built(settings, nights[0][0], first))


def _recipe(night: Night, supplied: Sequence[Supplied], manifest: Mapping[str, Any]) -> Recipe:
    by_address = {f"{one.source}.{one.dataset}": one for one in supplied}
    return Recipe(night.as_of, manifest["ruleset_id"], by_address, night.decisions)


_PART_OF = {DATE: "as_of", RULES: "ruleset_id", IDENTITY: "decisions", STALENESS: "supplied"}
"""The part of a recipe that a cause is. Staleness comes last: the facts are those of the later edition by then."""


def _swapped(first: Recipe, last: Recipe, cause: Cause) -> Recipe:
    """A recipe with one cause taken from the other."""
    if cause.kind != DATA:
        part = _PART_OF[cause.kind]
        return replace(first, **{part: getattr(last, part)})
    # The facts of one agency with the staleness that its earlier ones had, which is a cause of its own.
    supplied = {
        address: replace(last.supplied[address], is_stale=one.is_stale, reason=one.reason)
        if one.source == cause.detail
        else one
        for address, one in first.supplied.items()
    }
    return replace(first, supplied=supplied)


def _built(settings: Settings, night: Night, recipe: Recipe) -> Standing:
    """Build one state and read its ranking; the build is deleted."""
    candidate = new_candidate(settings.data_dir, f"diff-{uuid.uuid4().hex[:8]}")
    try:
        supplied = list(recipe.supplied.values())
        lay_out(candidate.inputs, night.sources, supplied, settings.data_dir, recipe.decisions)
        cache = candidates_dir(settings.data_dir) / PARSE_CACHE
        build_upon(candidate, recipe.as_of, PROJECT_DIR, cache, MODELS, ruleset_id=recipe.ruleset_id)
        return built_standing(candidate.warehouse)
    finally:
        remove_tree(candidate.path)
