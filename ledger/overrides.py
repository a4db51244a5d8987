"""Overrides of the gate: two people of the approvers' file sign, each with a key of their own, for a few days.

Requests and signatures are entries of the journal, so neither can be changed or removed afterwards. A signature is
checked each time that it is used, against the approvers of that day.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from ledger import journal
from ledger.hand_made import clean
from ledger.minisign import PublicKey, SecretKey, SignatureError, check, public_key_of, sign
from ledger.yaml_file import read_yaml

LONGEST_DAYS = 7
"""The longest validity of an override: a check that is wrong for longer is to be corrected in its suite."""
PEOPLE = 2


class OverrideError(ValueError):
    """An override cannot be requested, signed or used. Whose: config."""

    def __init__(self, what: str, follows: str) -> None:
        super().__init__(f"{what} Whose: config. Next: {follows}")


@dataclass(frozen=True)
class Override:
    """What may be overridden, why, and the last business date; `signed_by` are the approvers with a valid signature."""

    override_id: str
    checks: tuple[str, ...]
    why: str
    asked_on: str
    until: str
    signed_by: tuple[str, ...]

    def holds_on(self, day: date) -> bool:
        """Whether it may be used for a business date: signed by two people, and within its days."""
        return len(self.signed_by) >= PEOPLE and self.asked_on <= day.isoformat() <= self.until

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "checks": list(self.checks), "signed_by": list(self.signed_by)}

    @classmethod
    def of(cls, sealed: Mapping[str, Any]) -> "Override":
        """The override in a sealed edition; its signers need not be approvers any more."""
        return cls(**{**sealed, "checks": tuple(sealed["checks"]), "signed_by": tuple(sealed["signed_by"])})


def read_approvers(path: Path | None) -> dict[str, PublicKey]:
    """Who may sign, by name. The file is a YAML mapping of names to public keys as `jifen key show` prints them.

    Raises `OverrideError` for a line that is no key, and for a key under two names: one person must not sign twice.
    """
    if path is None:
        return {}
    try:
        found = read_yaml(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError("it has no names with keys")
        approvers = {str(name): public_key_of(str(key).strip()) for name, key in found.items()}
    except (OSError, ValueError) as error:
        raise OverrideError(f"the approvers' file {path} cannot be read: {error}.", "name: KEY on each line") from None
    if unreadable := [name for name, key in approvers.items() if key is None]:
        raise OverrideError(f"{path}: the key of {', '.join(unreadable)} is no minisign public key.", "jifen key show")
    keys = {name: key for name, key in approvers.items() if key is not None}
    if len({clean(name).casefold() for name in keys}) < len(keys):
        raise OverrideError(f"{path}: two names differ in blanks or letter case alone.", "name each person once")
    if len({key.raw for key in keys.values()}) < len(keys):
        raise OverrideError(f"{path}: two names have the same key.", "give each person a key of their own")
    return keys


def ask(ledger: Engine, checks: Iterable[str], why: str, asked_on: date, until: date) -> str:
    """Record a request to override checks, named `table.check`; it takes effect once two people have signed it."""
    named = sorted(set(checks))
    if not named or not why.strip():
        raise OverrideError(
            "an override names at least one check, and a reason.", "jifen override ask CHECK --why TEXT"
        )
    if not asked_on <= until <= asked_on + timedelta(days=LONGEST_DAYS):
        raise OverrideError(
            f"an override lasts from {asked_on} for {LONGEST_DAYS} days at most, not until {until}.",
            "give another --until, or --as-of to count from another day, or fix the suite (expectations/suites)",
        )
    request = {"checks": named, "why": why.strip(), "asked_on": asked_on.isoformat(), "until": until.isoformat()}
    override_id = hashlib.sha256(_statement(request)).hexdigest()[:12]
    with ledger.begin() as connection:
        journal.append(connection, "override_asked", {"override_id": override_id, **request})
    return override_id


def sign_override(ledger: Engine, override_id: str, key: SecretKey, approvers: dict[str, PublicKey]) -> Override:
    """Sign a request as the approver whose key this is. Raises `OverrideError` for any other key."""
    request = _requests(ledger).get(override_id)
    if request is None:
        raise OverrideError(f"there is no override {override_id}.", "jifen override list")
    name = next((one for one, known in approvers.items() if known == key.public), None)
    if name is None:
        raise OverrideError(
            f"key {key.public.name} is none of the approvers'.", "add it to the file that JIFEN_APPROVERS_FILE names"
        )
    signature = sign(key, _statement(request), _trusted(override_id))
    with ledger.begin() as connection:
        journal.append(connection, "override_signed", {"override_id": override_id, "by": name, "signature": signature})
    return next(one for one in overrides(ledger, approvers) if one.override_id == override_id)


def overrides(ledger: Engine, approvers: dict[str, PublicKey]) -> list[Override]:
    """Every override that was requested, oldest first, with the approvers whose signatures are valid."""
    signatures = [row["content"] for row in journal.entries(ledger, "override_signed")]
    return [
        Override(
            override_id,
            tuple(request["checks"]),
            request["why"],
            request["asked_on"],
            request["until"],
            _signers(override_id, request, [one for one in signatures if one["override_id"] == override_id], approvers),
        )
        for override_id, request in _requests(ledger).items()
    ]


def overrides_on(ledger: Engine, approvers: dict[str, PublicKey], as_of: date) -> list[Override]:
    """The overrides that may be used for a business date."""
    return [one for one in overrides(ledger, approvers) if one.holds_on(as_of)] if approvers else []


def _requests(ledger: Engine) -> dict[str, dict[str, Any]]:
    contents = (row["content"] for row in journal.entries(ledger, "override_asked"))
    return {one["override_id"]: {key: one[key] for key in one if key != "override_id"} for one in contents}


def _signers(
    override_id: str, request: dict[str, Any], signatures: Sequence[dict[str, Any]], approvers: dict[str, PublicKey]
) -> tuple[str, ...]:
    names = {key.key_id: name for name, key in approvers.items()}
    keys = {key.key_id: key for key in approvers.values()}
    found = set()
    for one in signatures:
        try:
            key, line = check(keys, _statement(request), one["signature"])
        except SignatureError:
            continue
        if line == _trusted(override_id):
            found.add(names[key.key_id])
    return tuple(sorted(found))


def _statement(request: dict[str, Any]) -> bytes:
    return json.dumps(request, sort_keys=True, ensure_ascii=False).encode()


def _trusted(override_id: str) -> str:
    return f"jifen override {override_id}"
