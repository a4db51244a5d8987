"""Reading a value at a dotted path of a JSON answer."""

from typing import Any


class MissingFieldError(LookupError):
    """The answer has no value at the path that the source file names."""


def at_path(answer: Any, path: str) -> Any:
    """The value at `a.b.c`; a `MissingFieldError` names the path where a step is not there."""
    value = answer
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            raise MissingFieldError(f"the answer has nothing at {path}")
        value = value[step]
    return value
