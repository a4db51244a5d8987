"""Every way in which an indicator can end, numbered: a segment hit, or one of the reasons why there is no value.

A peer finds the number of each value's outcome; what points, bin and sentence follow from it is looked up here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules import STATUSES, Indicator, Ruleset, Segment, plain

UNKNOWN_STAGE = 0
"""Stages are numbered from 1 in their order."""


@dataclass(frozen=True)
class Outcome:
    """`points` is None where nothing counts or the segment is a line; `maximum` None where no stage gives a weight.

    A sentence, `zh` or `en`, is its first part, the value where it `says_value`, its second part, and where a value
    counts: the points, and its third part. A level is said by its name, not by what it is worth in the rule set.
    """

    number: int
    code: str
    stage_no: int
    status: str
    bin: str | None
    segment: Segment | None
    points: int | None
    maximum: int | None
    is_counted: bool
    is_refusing: bool
    says_value: bool
    zh: tuple[str, str, str]
    en: tuple[str, str, str]


def outcomes(ruleset: Ruleset) -> tuple[Outcome, ...]:
    """All of them; `number` is the place in the answer."""
    found: list[Outcome] = []
    for indicator in ruleset.indicators:
        for stage_no in range(len(ruleset.stages) + 1):
            found += _of_stage(ruleset, indicator, stage_no, len(found))
    return tuple(found)


def _of_stage(ruleset: Ruleset, indicator: Indicator, stage_no: int, first: int) -> Iterator[Outcome]:
    """First the four reasons for no value, in the order of STATUSES, then the segments: one where no stage is known."""
    stage = ruleset.stages[stage_no - 1].name if stage_no else ""
    weight, _ = ruleset.weights.get((indicator.code, stage), (None, 0))
    for place, status in enumerate(STATUSES[1:]):
        said = ruleset.missing[indicator.code, status]
        is_zero = said["treatment"] == "zero" and weight is not None
        yield Outcome(
            number=first + place,
            code=indicator.code,
            stage_no=stage_no,
            status=status,
            bin=None,
            segment=None,
            points=0 if is_zero else None,
            maximum=weight,
            is_counted=is_zero,
            is_refusing=said["treatment"] == "refuse",
            says_value=False,
            zh=(_missing_zh(indicator, said, weight), "", ""),
            en=(_missing_en(indicator, said, weight), "", ""),
        )
    segments: tuple[Segment | None, ...] = ruleset.segments.get((indicator.code, stage), (None,))
    for place, segment in enumerate(segments):
        yield Outcome(
            number=first + len(STATUSES) - 1 + place,
            code=indicator.code,
            stage_no=stage_no,
            status="supplied",
            bin=segment.bin if segment else None,
            segment=segment,
            points=segment.points if segment else None,
            maximum=weight,
            is_counted=segment is not None,
            is_refusing=False,
            says_value=not (segment and segment.is_level),
            zh=_hit_zh(indicator, segment, weight),
            en=_hit_en(indicator, segment, weight),
        )


def _text(millionths: int | None) -> str:
    return plain(f"{(millionths or 0) / 1_000_000:.6f}")


def _hit_zh(indicator: Indicator, segment: Segment | None, maximum: int | None) -> tuple[str, str, str]:
    head = f"{indicator.name_zh}："
    if segment is None:
        return head, f" {indicator.unit}；发展阶段未知，不计分，也不计入满分。", ""
    tail = f" 分，满分 {_text(maximum)} 分" + ("；排名暂停。" if segment.is_vetoing else "。")
    if segment.is_level:
        return head + segment.bin_zh, "，得 ", tail
    return head, f" {indicator.unit}，在 {segment.bin_zh} 档，得 ", tail


def _hit_en(indicator: Indicator, segment: Segment | None, maximum: int | None) -> tuple[str, str, str]:
    head = f"{indicator.name_en}: "
    if segment is None:
        return head, f" {indicator.unit_en}; stage unknown, not scored and left out of the maximum.", ""
    tail = f" of {_text(maximum)} points" + ("; the rank is suspended." if segment.is_vetoing else ".")
    if segment.is_level:
        return head + segment.bin_en, ": ", tail
    return head, f" {indicator.unit_en}, in {segment.bin_en}: ", tail


def _missing_zh(indicator: Indicator, said: dict[str, str], maximum: int | None) -> str:
    head = f"{indicator.name_zh}：{said['reason_zh']}；"
    if said["treatment"] == "zero":
        return f"{head}按规则计 0 分，满分 {_text(maximum)} 分。"
    return head + ("按规则不予排名。" if said["treatment"] == "refuse" else "不计分，也不计入满分。")


def _missing_en(indicator: Indicator, said: dict[str, str], maximum: int | None) -> str:
    head = f"{indicator.name_en}: {said['reason_en']}; "
    if said["treatment"] == "zero":
        return f"{head}0 of {_text(maximum)} points by rule."
    return head + (
        "not ranked by rule." if said["treatment"] == "refuse" else "not scored and left out of the maximum."
    )
