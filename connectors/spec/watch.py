"""What a healthy delivery looks like: how much, how new, without gaps, and what to do when its shape drifts."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from connectors.spec.base import Strict

Drift = Literal["freeze", "evolve", "discard_value", "discard_row"]
"""dlt's words for what becomes of data that does not have the declared shape."""


class Volume(Strict):
    """How many records a healthy dataset holds: below the floor nothing is promoted, above the ceiling we warn."""

    floor: int = Field(ge=0)
    ceiling: int = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> "Volume":
        if self.floor > self.ceiling:
            raise ValueError(f"the floor {self.floor} lies above the ceiling {self.ceiling}")
        return self


class Unwatched(Strict):
    """Why this is not watched, in a sentence: said on purpose, never by leaving it out."""

    unwatched: str = Field(min_length=8)


class Freshness(Strict):
    """The newest value of a date column may be so many days older than the business date; else we warn."""

    column: str
    days: int = Field(ge=0)


Percent = Annotated[int, Field(ge=0, le=100)]

MAY_GO_PCT = 30
"""So much of a day, a partition or a whole may go at once where the source file says nothing else."""


class Shrink(Strict):
    """A dataset may hold so many per cent fewer records than when it was last promoted; else nothing is promoted.

    With `by` the same holds for the records of each value of a column.
    """

    shrink_pct: Percent
    by: str | None = None


class NoGap(Strict):
    """Between the first and the last value of a date column no month, or no year, is without a record; else we warn.

    `shrink_pct` is that of `Shrink`; of a snapshot it holds for each of these months or years too.
    """

    column: str
    period: Literal["month", "year"]
    shrink_pct: Percent | None = None


Continuity = Annotated[Shrink | NoGap | Unwatched, Field(union_mode="left_to_right")]


class SchemaContract(Strict):
    """What to do when the shape drifts.

    `columns`: fields that the source file does not claim. `evolve` lands them raw, as JSON in `_extra`, and reports
    them; `discard_value` drops and counts them; `discard_row` refuses the record; `freeze` stops the dataset.

    `data_type`: a field that is gone from a whole delivery, or of which no value fits its type. `freeze` stops the
    dataset and the last good batch stays; `discard_value` and `evolve` land null where the column is not required
    (`evolve` keeps the text in `_extra`); `discard_row` refuses the records. One value that does not fit refuses its
    record whatever stands here.
    """

    columns: Drift = "evolve"
    data_type: Drift = "freeze"

    @model_validator(mode="before")
    @classmethod
    def _one_word_for_both(cls, value: Any) -> Any:
        return {"columns": value, "data_type": value} if isinstance(value, str) else value


class Tombstone(Strict):
    """A record that says another is deleted: the key counts, `column` has one of `values`.

    One delivery may so delete `shrink_pct` per cent of all that is held; else nothing is promoted. One record may go.
    """

    kind: Literal["tombstone"]
    column: str
    values: tuple[str, ...] = Field(min_length=1)
    shrink_pct: Percent = MAY_GO_PCT


class ReplaceBy(Strict):
    """A delivery is whole for each value of `column` in it: what we hold of that value and it lacks is deleted.

    Of one value `shrink_pct` per cent may go at once; else nothing is promoted. One record may go whatever its share.
    """

    kind: Literal["replace_by"]
    column: str
    shrink_pct: Percent = MAY_GO_PCT


Deletes = Annotated[Tombstone | ReplaceBy, Field(discriminator="kind")]


class ValidTime(Strict):
    """Which column says from when a record holds in the world, as against when we learnt of it."""

    from_column: str
