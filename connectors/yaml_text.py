"""Writing a source file as a person would: short parts on one line, and a comment above what must be looked at."""

from dataclasses import dataclass
from typing import Any

import yaml

WIDTH = 120


@dataclass(frozen=True)
class Noted:
    """A value with a comment for the line above it."""

    value: Any
    comment: str


def comment_lines(text: str, indent: int = 0) -> list[str]:
    """A text as one line of comment. What comes from outside can neither end the comment nor hide in it."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return [" " * indent + "# " + " ".join(plain.split())]


def yaml_lines(value: Any, indent: int = 0) -> list[str]:
    """Lines of YAML for a mapping or a list; mappings of plain values that fit stand on one line."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, part in value.items():
            lines += _entry(f"{_scalar(key)}:", part, indent)
    else:
        for part in value:
            lines += _entry("-", part, indent)
    return lines


def _entry(lead: str, part: Any, indent: int) -> list[str]:
    """One key with its value, or one member of a list."""
    lines = []
    if isinstance(part, Noted):
        lines, part = comment_lines(part.comment, indent), part.value
    margin = " " * indent
    if (short := _on_one_line(part)) is not None and len(margin) + len(lead) + 1 + len(short) <= WIDTH:
        return [*lines, f"{margin}{lead} {short}"]
    if not isinstance(part, (dict, list, tuple)):
        return [*lines, f"{margin}{lead} {_scalar(part)}"]
    inner = yaml_lines(part, indent + 2)
    if lead == "-":
        first = next(at for at, line in enumerate(inner) if not line.lstrip().startswith("#"))
        inner[first] = f"{margin}- {inner[first].lstrip()}"
        return [*lines, *inner]
    return [*lines, f"{margin}{lead}", *inner]


def _on_one_line(part: Any) -> str | None:
    """`{a: 1, b: [x, y]}`, or None where a comment or a list of mappings stands inside."""
    if isinstance(part, dict):
        texts = [(_scalar(key), _on_one_line(inner)) for key, inner in part.items()]
        return None if any(t is None for _, t in texts) else "{" + ", ".join(f"{k}: {t}" for k, t in texts) + "}"
    if isinstance(part, (list, tuple)):
        if any(isinstance(inner, (dict, list, tuple)) for inner in part):
            return None
        within = [_on_one_line(inner) for inner in part]
        return None if any(text is None for text in within) else "[" + ", ".join(str(text) for text in within) + "]"
    return None if isinstance(part, Noted) else _scalar(part)


def _scalar(value: Any) -> str:
    """A plain value as YAML writes it inside a flow mapping, quoted where it must be."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=10**9)
    return text.rstrip("\n")[1:-1]
