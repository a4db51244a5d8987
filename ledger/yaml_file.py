"""The one way to read YAML: a repeated key is an error, and an unquoted word is read as the text that it looks like.

YAML 1.1, which most readers follow, takes `no` for false, `012` for ten, `12:30` for 750 and `2020-01-01` for a date.
"""

import re
from typing import Any

import yaml

from ledger.hand_made import UNSEEN

_QUOTED = re.compile(r"'[^'<]{3,}'")
"""Parts of the text that a message of the library quotes."""

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")),
    ("float", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+$|^[-+]?(?:0|[1-9][0-9]*)\.$"), list("-+.0123456789")),
    ("merge", re.compile(r"^<<$"), ["<"]),
)


class YamlFaultError(ValueError):
    """The text is no YAML that we read. The message names the line and never its content, which may be a secret."""

    lineno: int | None = None


class _Loader(yaml.SafeLoader):
    """Unquoted words are only null, true and false, whole numbers and decimal numbers; all others are text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)

_OPENING = ("[", "{", "- ", "? ")
_MAY_BE_NESTED = 3_000
"""A text that opens more parts may be nested deeper than the C stack allows."""


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same with libyaml where that is installed: ten times as fast."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _load(text: str) -> Any:
    is_flat = sum(text.count(sign) for sign in _OPENING) <= _MAY_BE_NESTED
    try:
        # libyaml accepts some tabs that the Python loader refuses.
        return _content(text, _FastLoader if is_flat and "\t" not in text else _Loader)
    except yaml.YAMLError:
        # So that faults have the same wording with both loaders.
        return _content(text, _Loader)


def _content(text: str, kind: Any) -> Any:
    loader = kind(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _require_names_differ(node, set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _require_names_differ(node: yaml.Node, seen: set[int]) -> None:
    """No key stands twice in one mapping. Keys that come by `<<` may be overridden."""
    if isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return
    seen.add(id(node))
    names = set()
    for part in node.value:
        for one in part if isinstance(node, yaml.MappingNode) else (part,):
            _require_names_differ(one, seen)
        key = part[0] if isinstance(node, yaml.MappingNode) else None
        name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
        if key is None or name is None or key.tag == _MERGE:
            continue
        if name in names:
            shown = str(key.value)[:60]
            raise yaml.MarkedYAMLError(problem=f"`{shown}` stands twice in one part", problem_mark=key.start_mark)
        names.add(name)


def read_yaml(text: str | bytes) -> Any:
    """The content of a YAML text in UTF-8. Raises `YamlFaultError` (a ValueError) that names the line."""
    try:
        plain = text if isinstance(text, str) else text.decode("utf-8-sig")
        # U+FE0F only colours the sign before it.
        seen, *unseen = UNSEEN.split(plain.replace("\ufe0f", ""), maxsplit=1)
        if unseen:
            line = seen.count("\n") + 1
            fault = YamlFaultError(f"line {line}: it has a character that cannot be seen")
            fault.lineno = line
            raise fault
        return _load(plain)
    except UnicodeDecodeError as error:
        raise YamlFaultError(f"it is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise YamlFaultError("it is nested too deep") from None
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = "" if mark is None else f"line {mark.line + 1}: "
        shown = _QUOTED.sub("...", problem or "it is no YAML")
        fault = YamlFaultError(place + shown)
        fault.lineno = None if mark is None else mark.line + 1
        raise fault from None
