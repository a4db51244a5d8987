"""What every part of a source or sink file is made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DottedPath = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
"""Where a value stands in a JSON answer: `data.items`."""

UrlPath = Annotated[str, Field(pattern=r"^/")]
"""A path below the base address of an agency; `{name}` stands for the value of a partition."""


class Strict(BaseModel):
    """A part of a source or sink file: unknown keys are errors, values are frozen."""

    # What stood in the file is not repeated: somebody may have written a secret where a variable's name belongs.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Variable(Strict):
    """The name of an environment variable; the value itself never stands in a file."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")


def variables_in(part: Any) -> set[str]:
    """The names of every variable that a part of a file names, however deep."""
    if isinstance(part, Variable):
        return {part.env}
    if isinstance(part, tuple):
        return {name for one in part for name in variables_in(one)}
    if isinstance(part, Strict):
        return {name for field in type(part).model_fields for name in variables_in(getattr(part, field))}
    return set()


class Title(Strict):
    """A name for people, in both languages."""

    zh: str
    en: str
