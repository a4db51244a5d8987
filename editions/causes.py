"""Why two editions may differ: the differences of their manifests, in the order in which a diff replays them.

Imports nothing slow: `jifen explain` must answer at once.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

DATE, DATA, IDENTITY, STALENESS, RULES, CODE = "date", "data", "identity", "staleness", "rules", "code"
DECISIONS = ("pipeline", "identity_decisions")

Manifest = Mapping[str, Any]


class Cause(NamedTuple):
    """One difference: its kind, and as detail the source for data, or the values before and after for other kinds."""

    kind: str
    detail: str

    @property
    def name(self) -> str:
        """The cause in one word, as `data:tax` or `rules`."""
        return f"{self.kind}:{self.detail}" if self.kind == DATA else self.kind


def causes(then: Manifest, now: Manifest) -> tuple[Cause, ...]:
    """What differs between two editions, in the order of a replay.

    The business date first, then the data of each source by name, the decisions about identity, which datasets are
    older than they may be, the rule set, and last the code with everything else that is a rule.
    """
    found = []
    if then["as_of"] != now["as_of"]:
        found.append(Cause(DATE, f"{then['as_of']} → {now['as_of']}"))
    moved = {address[0] for address in _differing(then, now, "content_sha256", "is_supplied") if address != DECISIONS}
    found += [Cause(DATA, source) for source in sorted(moved)]
    if DECISIONS in _differing(then, now, "content_sha256"):
        found.append(Cause(IDENTITY, ""))
    known = _inputs(then["inputs"]).keys() & _inputs(now["inputs"]).keys()
    if stale := sorted(_differing(then, now, "is_stale", "reason") & known):
        found.append(Cause(STALENESS, ", ".join(".".join(address) for address in stale)))
    if ruleset_of(then) != ruleset_of(now):
        found.append(Cause(RULES, f"{then['ruleset_id']} → {now['ruleset_id']}"))
    if then["rules_sha256"] != now["rules_sha256"]:
        found.append(Cause(CODE, f"{_commit(then)} → {_commit(now)}"))
    return tuple(found)


def _differing(then: Manifest, now: Manifest, *names: str) -> set[tuple[str, str]]:
    """The datasets of which one of these facts differs, or that only one of the two manifests has."""
    before, after = _inputs(then["inputs"]), _inputs(now["inputs"])
    facts = [{address: [one[name] for name in names] for address, one in side.items()} for side in (before, after)]
    return {address for address in before.keys() | after.keys() if facts[0].get(address) != facts[1].get(address)}


def _inputs(inputs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["source"], one["dataset"]): one for one in inputs}


def ruleset_of(manifest: Manifest) -> tuple[str, str]:
    """The rule set of an edition, by id and content hash, which is empty in editions that did not seal it yet."""
    return str(manifest["ruleset_id"]), str(manifest.get("ruleset_sha256", ""))


def _commit(manifest: Manifest) -> str:
    code = manifest.get("code") or {}
    return str(code.get("commit") or manifest["rules_sha256"])[:10]
