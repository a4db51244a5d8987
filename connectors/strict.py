"""What every part of a source or sink file is made of."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Self, Union, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

DottedPath = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
"""Where a value stands in a JSON answer: `data.items`."""

UrlPath = Annotated[str, Field(pattern=r"^/")]
"""A path below the base address of an agency; `{name}` stands for the value of a partition."""


NonEmptyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Words for people, such as a name or a reason."""


class Strict(BaseModel):
    """A part of a source or sink file: unknown keys are errors, values are frozen."""

    # Errors do not repeat a value of the file: it may be a secret written in place of a variable's name.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def _rules(self) -> "Rules":
        """What must hold between the fields of this part, each with the message where it does not."""
        return iter(())

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for kind in reversed(type(self).__mro__):
            for holds, fault in kind.__dict__.get("_rules", lambda _: ())(self):
                if not holds:
                    raise ValueError(fault)
        return self


Rules = Iterator[tuple[Any, str]]


class Variable(Strict):
    """The name of an environment variable; the value itself never stands in a file."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")


# How a request is framed and packed; a second value of these would contradict the first.
_CARRIED = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


def _own_header(name: str) -> str:
    if name.lower() in _CARRIED:
        raise ValueError(f"{name} is set by the HTTP client, not by a source file")
    return name


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$"), AfterValidator(_own_header)]
"""A header that we may set."""

Headers = dict[HeaderName, Annotated[str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")] | Variable]
"""Fixed request headers; a value that is a secret is named by its variable."""


OPEN_FIELDS = frozenset(
    {"base_url", "ca", "host", "port", "path", "host_key", "user", "client_id", "app_key", "sender", "to"}
)
"""Fields of a connection whose values are no secret: addresses, public keys and account names."""


def variables_in(part: Any, left_out: Collection[str] = ()) -> set[str]:
    """The names of every variable that a part of a file names, however deep, but for those of some fields."""
    if isinstance(part, Variable):
        return {part.env}
    if isinstance(part, dict):
        part = tuple(part.values())
    if isinstance(part, tuple):
        return {name for one in part for name in variables_in(one, left_out)}
    if isinstance(part, Strict):
        fields = type(part).model_fields.keys() - set(left_out)
        return {name for field in fields for name in variables_in(getattr(part, field), left_out)}
    return set()


class BilingualTitle(Strict):
    """A name for people, in both languages."""

    zh: NonEmptyText
    en: NonEmptyText


def one_of(base: type[Strict]) -> Any:
    """Any class below `base` that declares its `kind`, for a field of a file: the `kind` there chooses which."""
    kinds, left = [], [base]
    while left:
        below = left.pop(0).__subclasses__()
        kinds += [one for one in below if "kind" in one.__annotations__]
        left += below
    return Annotated[Union[tuple(kinds)], Field(discriminator="kind")]  # noqa: UP007


class ByWords:
    """For a union of parts without a `kind`: the class with most of the fields that the file has is chosen.

    So a fault is reported once, for that part, and not for each class of the union.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The parts by the names of their classes, which a fault's place has too."""
        kinds = get_args(source)

        def meant(part: Any) -> str:
            words = part if isinstance(part, dict) else part.model_fields_set if isinstance(part, Strict) else ()
            known = max(kinds, key=lambda kind: len(kind.model_fields.keys() & set(words)))
            return str(known.__name__)

        return core_schema.tagged_union_schema({kind.__name__: handler.generate_schema(kind) for kind in kinds}, meant)
