"""What became of each decision about identity: the current edition was built with it, or it waits for a night."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.identity_decisions import IdentityDecision, decisions_sha256, known_on
from editions.causes import DECISIONS
from editions.manifest import read_manifest
from editions.suggest import OpenItem, business_date


@dataclass(frozen=True)
class Knowledge:
    """The decisions that an edition was built with. `is_sure` is False where the file was changed by hand since then.

    The edition keeps their number and their hash. The file is only appended to, so they are the first of those that
    its date may know; where these have another hash, which of them it knew is not known, and none is called known.
    """

    known: frozenset[IdentityDecision]
    is_sure: bool


def knowledge_of(edition: Path | None, made: Sequence[IdentityDecision]) -> Knowledge:
    """Which of the decisions, in the order of their file, the edition was built with; none where there is no edition.

    Raises `ManifestError` where the edition's manifest cannot be read.
    """
    if edition is None or not made:
        return Knowledge(frozenset(), True)
    inputs = read_manifest(edition)["inputs"]
    built_with = [one for one in inputs if (one["source"], one["dataset"]) == DECISIONS]
    if not built_with:
        return Knowledge(frozenset(), True)
    (one,) = built_with
    first = known_on(made, business_date(edition))[: one["rows_landed"]]
    is_sure = decisions_sha256(first) == one["content_sha256"]
    return Knowledge(frozenset(first if is_sure else ()), is_sure)


def waits(item: OpenItem, made: Sequence[IdentityDecision], knowledge: Knowledge) -> bool:
    """Whether an item of the list is decided, and no night has applied the decision yet."""
    about = (item.source, item.dataset, item.identifier)
    return any(one.about == about and one not in knowledge.known for one in made)


def standing(
    one: IdentityDecision,
    edition: Path | None,
    held: Mapping[str, str],
    against: Sequence[IdentityDecision],
    knowledge: Knowledge,
) -> dict[str, Any]:
    """A decision, whether anything keeps it from being applied, and whether the current edition was built with it.

    `held` are the codes of the edition's register, `against` the decisions that contradict this one.
    """
    is_held = edition is None or one.uscc is None or one.uscc in held
    is_later = edition is not None and one.decided_on > business_date(edition)
    is_known = one in knowledge.known
    if not is_held:
        state = "no: not in the register"
    elif against:
        state = "no: contradicts " + ", ".join(f"{other.source}.{other.dataset}" for other in against)
    elif is_known:
        state = "yes"
    elif is_later:
        state = "from its day: the edition is older"
    else:
        state = "not yet 尚未生效" if knowledge.is_sure else "not known 无法判断"
    facts = {"applies": is_held and not against, "is_later_than_edition": is_later, "is_in_edition": is_known}
    return {**asdict(one), **facts, "standing": state}
