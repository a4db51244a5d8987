"""One way to read YAML: a name that stands twice is an error, and a plain word is the text that it looks like.

YAML 1.1, which most readers follow, takes `no` for false, `012` for ten, `12:30` for 750 and `2020-01-01` for a date.
"""

import re
from typing import Any

import yaml

_QUOTED = re.compile(r"'[^'<]{3,}'")
"""What a message of the library quotes from the text."""

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")),
    ("float", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+$|^[-+]?(?:0|[1-9][0-9]*)\.$"), list("-+.0123456789")),
    ("merge", re.compile(r"^<<$"), ["<"]),
)


class YamlFaultError(ValueError):
    """The text is no YAML that we read; says the line and never what stands there, which may be a secret."""

    lineno: int | None = None


class _Loader(yaml.SafeLoader):
    """Of what plain words may mean, only nothing, true and false, whole numbers and numbers with a point are left."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """One mapping, whose keys all differ. Keys that come by `<<` may be overridden."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                shown = str(key.value)[:60]
                raise yaml.MarkedYAMLError(problem=f"`{shown}` stands twice in one part", problem_mark=key.start_mark)
            if name is not None and key.tag != _MERGE:
                seen.add(name)
        return node


for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


def read_yaml(text: str | bytes) -> Any:
    """The content of a YAML text in UTF-8. Raises `YamlFaultError` (a ValueError) that names the line."""
    try:
        plain = text if isinstance(text, str) else text.decode("utf-8-sig")
        return yaml.load(plain, _Loader)  # noqa: S506 - a safe loader, made stricter
    except UnicodeDecodeError as error:
        raise YamlFaultError(f"it is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise YamlFaultError("it is nested too deep") from None
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = "" if mark is None else f"line {mark.line + 1}: "
        told = _QUOTED.sub("...", problem or "it is no YAML")
        fault = YamlFaultError(place + told)
        fault.lineno = None if mark is None else mark.line + 1
        raise fault from None
