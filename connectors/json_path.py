"""Reading a value at a dotted path of a JSON answer, and the records of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.errors import printable

if TYPE_CHECKING:
    from connectors.spec import Dataset, JsonDecoder


class MissingFieldError(LookupError):
    """The answer has no value at the path that the source file names."""


def at_path(answer: Any, path: str) -> Any:
    """The value at `a.b.c`; a `MissingFieldError` names the path where a step is not there."""
    value = answer
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            raise MissingFieldError(f"the answer has nothing at {path}; it {shape_of(answer)}")
        value = value[step]
    return value


def found_at(answer: Any, path: str) -> Any:
    """The value at `a.b.c`; None where a step is not there."""
    value = answer
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def shape_of(answer: Any) -> str:
    """What an answer is, in a few words: the names it has, two deep, and nothing of what they hold."""
    if not isinstance(answer, dict):
        kinds = {list: "a list", str: "a text", type(None): "null"}
        return f"is {kinds.get(type(answer), 'a plain value')}"
    found: list[str] = []
    for name, part in answer.items():
        inner = [f"{name}.{one}" for one in part] if isinstance(part, dict) else []
        found += inner or [f"{name} (a text)" if isinstance(part, str) and part[:1] in ("{", "[") else str(name)]
    shown = [printable(one, 40) for one in found[:12]]
    return f"has {', '.join(shown) or 'no names at all'}"


def field_of(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field of a record, None where it has none; a name with points may lead to a nested one."""
    return record[name] if name in record else found_at(record, name)


@dataclass(frozen=True)
class RecordsAt:
    """Where the records of a JSON answer stand, and what may stand there in place of a list.

    `total` is where the number of all records is declared; a total of nought, or a code that says that all is well
    (`is_coded`), proves that a list that is not there is an empty one. No driver has judged the content of a file
    (`is_file`), and no total has been compared with an answer that is taken for the whole (`is_whole`).
    """

    path: str | None
    one: bool = False
    none: bool = False
    total: str | None = None
    is_coded: bool = False
    is_file: bool = False
    is_whole: bool = False

    @classmethod
    def of(cls, dataset: "Dataset", decoder: "JsonDecoder") -> "RecordsAt":
        """As a source file declares it."""
        is_file = not hasattr(dataset.request, "job")
        is_coded = getattr(dataset.request, "answered", None) is not None
        total = None if dataset.paginator is None else dataset.paginator.total_path
        is_whole = total is None and dataset.is_whole
        return cls(decoder.records, decoder.one, decoder.none, total, is_coded, is_file, is_whole)

    def find(self, answer: Any) -> list[Any]:
        """The records of an answer. Raises a `MissingFieldError` that names what is there in place of the list."""
        try:
            found = answer if self.path is None else at_path(answer, self.path)
        except MissingFieldError:
            if not self._may_lack(answer):
                raise
            found = None
        if isinstance(found, list):
            return found
        if found in (None, "", {}) and (self.none or self._says_none(answer)):
            return []
        if isinstance(found, dict) and self.one:
            return [found]
        place = self.path or "the answer"
        if found is None or found == {}:
            shown = "null" if found is None else "{}"
            hint = "declare none: true under decoder if that means no record"
            raise MissingFieldError(f"there is no list of records at {place}, which is {shown}: {hint}")
        hint = ": declare one: true under decoder if it is one record" if isinstance(found, dict) else ""
        kind = "an object" if isinstance(found, dict) else "a plain value"
        raise MissingFieldError(f"there is no list of records at {place}, which is {kind}{hint}")

    def _may_lack(self, answer: Any) -> bool:
        """Whether an answer without the path of the list is one without records, and not one of another kind."""
        if self._says_none(answer):
            return True
        if not self.none:
            return False
        value = answer
        for step in (self.path or "").split("."):
            if value is None or value == {}:
                return True
            value = value.get(step) if isinstance(value, dict) else value
        # Nothing is empty on the way to the list: an answer of another kind, unless its own code says that all is well.
        return self.is_coded

    def _says_none(self, answer: Any) -> bool:
        return self.total is not None and str(found_at(answer, self.total)) == "0"
