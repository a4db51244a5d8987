"""What an import finds on its way: variables that it needs, secrets it met, and what could not be carried over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECRET_NAME = re.compile(
    r"(?i)(^|[_\-.])(api[_-]?key|apikey|auth|authorization|cookie|credential|pass|passwd|password|private[_-]?key|pwd|"
    r"secret|session|sig|signature|token|access[_-]?key|key)s?($|[_\-.])|token$|secret$|password$|apikey$"
)
"""Names under which people keep secrets."""

_TOKEN = re.compile(r"[A-Za-z0-9+/_=\-]{16,}")
"""Sixteen or more characters without a space or a dot: a secret, where letters and digits are mixed in it."""

_KNOWN_PREFIX = re.compile(
    r"(?i)\b(bearer|basic|token)\s+\S{6,}|\b(sk|pk|ghp|gho|xox[abp]|glpat|eyJ)[_\-A-Za-z0-9.]{8,}"
)


@dataclass(frozen=True)
class Outside:
    """A value that the file takes from elsewhere: a secret store, the environment, a setting, or code."""

    name: str
    """What it is called there; empty for code."""
    told: str
    """How the file says it, for people: never a value."""
    is_code: bool = False


@dataclass
class Findings:
    """Gathered while one file is imported."""

    source: str
    not_carried: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """Variable -> what belongs into it."""
    secrets: set[str] = field(default_factory=set)
    """Literals that must never be written anywhere."""

    def drop(self, path: str, why: str) -> None:
        """Name something that is not carried over. `why` holds no value that may be secret."""
        line = f"{path}: {why}"
        if line not in self.not_carried:
            self.not_carried.append(line)

    def variable(self, role: str, value: Any, path: str) -> dict[str, str]:
        """The variable for a secret: `{env: NAME_ROLE}`. A literal is taken out and reported, never kept."""
        name = f"{self.source}_{role}".upper()
        if isinstance(value, Outside):
            self.variables.setdefault(name, f"was {value.told}")
        elif value in (None, ""):
            self.variables.setdefault(name, "not in the file")
        else:
            if role != "user":
                self.secrets.add(str(value))
            self.variables.setdefault(name, "stood in the file as a literal")
            self.drop(path, f"a literal secret, not written here: put it into {name}, and out of the file it stood in")
        return {"env": name}

    def hide(self, value: Any, name: str = "") -> None:
        """Remember what looks secret in a value that is dropped, so that nothing we say can hold it."""
        if isinstance(value, Mapping):
            for key, part in value.items():
                self.hide(part, str(key))
        elif isinstance(value, (list, tuple)):
            for part in value:
                self.hide(part, name)
        elif looks_secret(name, value):
            self.secrets.add(str(value))


def looks_secret(name: str, value: Any) -> bool:
    """Whether a value is one that must not be copied: by the name it stands under, or by its look."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool) or value == "":
        return False
    if SECRET_NAME.search(name):
        return True
    text = str(value)
    if _KNOWN_PREFIX.search(text):
        return True
    runs = _TOKEN.findall(text)
    return any(re.search(r"[0-9]", run) and re.search(r"[A-Za-z]", run) and not _is_plain(run) for run in runs)


def _is_plain(run: str) -> bool:
    """Dates (`2024-01-01T00`), slugs, and words with a number behind them are no secrets."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d)?[-+Z\d]*", run):
        return True
    return all(re.fullmatch(r"[A-Za-z]*[0-9]{0,8}", piece) for piece in re.split(r"[_\-/=+]", run))


class Part:
    """One mapping of a file: what is taken from it is carried, what is left in it is named.

    Nothing can be dropped silently: `rest` reports every key that nobody took.
    """

    def __init__(self, value: Any, path: str, findings: Findings) -> None:
        self.path, self._findings = path, findings
        self._left: dict[str, Any] = {}
        if isinstance(value, Mapping):
            self._left = {str(key): inner for key, inner in value.items()}
        elif isinstance(value, Outside):
            findings.drop(path, f"made by code or from outside ({value.told}), which is not run here")
        elif value is not None:
            findings.drop(path, "is not a mapping")

    def __contains__(self, key: str) -> bool:
        return self._left.get(key) is not None

    def has_null(self, key: str) -> bool:
        """Whether the file says on purpose that there is none."""
        return key in self._left and self._left[key] is None

    def take(self, key: str, default: Any = None) -> Any:
        """A value, taken out; `default` where it is absent or null."""
        value = self._left.pop(key, None)
        return default if value is None else value

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text, taken out; what is made by code or is no text is named, and answers the default."""
        value = self.take(key)
        if value is None or isinstance(value, (str, int, float)):
            return default if value is None else str(value)
        told = value.told if isinstance(value, Outside) else "not a text"
        self._findings.drop(f"{self.path}.{key}", f"{told}: not known without running it")
        return default

    def number(self, key: str, default: int) -> int:
        """A whole number, taken out; what is none is named, and answers the default."""
        text = self.text(key)
        if text is None:
            return default
        if re.fullmatch(r"\d{1,9}", text):
            return int(text)
        self._findings.drop(f"{self.path}.{key}", "is not a whole number")
        return default

    def members(self, key: str) -> list[Any]:
        """A list, taken out; one text or mapping is a list of one, anything else is named and answers none."""
        value = self.take(key, [])
        if isinstance(value, (str, Mapping)):
            return [value]
        if isinstance(value, list):
            return value
        told = f"{value.told}, which is not run here" if isinstance(value, Outside) else "is not a list"
        self._findings.drop(f"{self.path}.{key}", told)
        return []

    def part(self, key: str) -> "Part":
        """A mapping, taken out; an absent one is empty."""
        return Part(self._left.pop(key, None), f"{self.path}.{key}", self._findings)

    def items(self) -> list[tuple[str, Any]]:
        """All that is left, taken out."""
        left, self._left = list(self._left.items()), {}
        return left

    def rest(self, known: Mapping[str, str] | None = None) -> None:
        """Name all that nobody took, with the reason in `known` or a plain one. Null says nothing."""
        for key, value in self.items():
            if value is not None:
                why = (known or {}).get(key, "has no counterpart in a source file")
                self._findings.drop(f"{self.path}.{key}", why)
