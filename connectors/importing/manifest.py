"""Reading an Airbyte declarative manifest: references followed, parameters handed down, nothing run."""

import re
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError
from connectors.importing.dlt_file import read_text
from connectors.importing.findings import Outside
from ledger.yaml_file import read_yaml

MAX_NODES = 50_000
NEXT_STEP = "name a declarative manifest: YAML of type DeclarativeSource, with streams"

_OLD_REFERENCE = re.compile(r"^\*ref\(([^()]+)\)$")
_PARAMETER = re.compile(
    r"\{\{\s*(?:parameters|options)(?:\.get\(\s*['\"](\w+)['\"]\s*\)|\[\s*['\"](\w+)['\"]\s*\]|\.(\w+))\s*\}\}"
)
_CONFIG = re.compile(
    r"\{\{\s*config(?:\.get\(\s*['\"](\w+)['\"][^)]*\)|\[\s*['\"](\w+)['\"]\s*\]|\.(\w+))\s*(?:\|[^{}]*)?\}\}"
)
_FILLED = ("name", "primary_key", "path", "url_base", "http_method", "field_path", "cursor_field", "page_size")
"""Fields that a component takes from its parameters where it does not state them."""

_FILLED_IN = {
    "name": ("DeclarativeStream",),
    "primary_key": ("DeclarativeStream",),
    "path": ("HttpRequester",),
    "url_base": ("HttpRequester",),
    "http_method": ("HttpRequester",),
    "field_path": ("DpathExtractor",),
    "cursor_field": ("DatetimeBasedCursor",),
    "page_size": ("PageIncrement", "OffsetIncrement", "CursorPagination"),
}


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest with every reference followed and every parameter in its place."""
    text = read_text(path)
    try:
        found = read_yaml(text)
    except ValueError as error:
        raise ConfigError(f"is not YAML ({error}).", str(path), NEXT_STEP) from None
    if not isinstance(found, dict) or not isinstance(found.get("streams"), list):
        raise ConfigError("holds no list of streams.", str(path), NEXT_STEP)
    try:
        wanted = {
            key: value for key, value in found.items() if key not in ("definitions", "schemas", "spec", "metadata")
        }
        return dict(_Resolver(found).resolve(wanted, {}, ()))
    except RecursionError:
        raise ConfigError("is nested too deep.", str(path), NEXT_STEP) from None


class _Resolver:
    """Follows references with a bound on how large the whole may grow."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root, self._nodes = root, 0

    def resolve(self, node: Any, parameters: dict[str, Any], trail: tuple[str, ...]) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ConfigError(
                f"grows beyond {MAX_NODES} parts when its references are followed.", "the manifest", NEXT_STEP
            )
        if isinstance(node, str) and (match := _OLD_REFERENCE.match(node)):
            return self._follow("#/" + match[1].replace(".", "/"), parameters, trail)
        if isinstance(node, str):
            return _with_parameters(node, parameters)
        if isinstance(node, list):
            return [self.resolve(part, parameters, trail) for part in node]
        return self._mapping(node, parameters, trail) if isinstance(node, dict) else node

    def _mapping(self, node: dict[Any, Any], parameters: dict[str, Any], trail: tuple[str, ...]) -> Any:
        node = {str(key): value for key, value in node.items()}
        if (reference := node.pop("$ref", None)) is not None:
            if str(reference) in trail:
                raise ConfigError("a reference leads back to itself.", "the manifest", NEXT_STEP)
            behind = self._at(str(reference))
            if not isinstance(behind, dict):
                return self.resolve(behind, parameters, (*trail, str(reference)))
            node, trail = {**behind, **node}, (*trail, str(reference))
            return self._mapping(node, parameters, trail)
        own = {key: node.pop(key) for key in ("$parameters", "$options") if key in node}
        handed = {**parameters, **{k: v for given in own.values() if isinstance(given, dict) for k, v in given.items()}}
        for key in _FILLED:
            if key in handed and node.get(key) is None and node.get("type") in _FILLED_IN[key]:
                node[key] = handed[key]
        return {key: self.resolve(value, handed, trail) for key, value in node.items()}

    def _follow(self, reference: str, parameters: dict[str, Any], trail: tuple[str, ...]) -> Any:
        if reference in trail:
            raise ConfigError("a reference leads back to itself.", "the manifest", NEXT_STEP)
        return self.resolve(self._at(reference), parameters, (*trail, reference))

    def _at(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            if not isinstance(found, dict) or step not in found:
                raise ConfigError("a reference leads nowhere.", "the manifest", NEXT_STEP)
            found = found[step]
        return found


def _with_parameters(text: str, parameters: dict[str, Any]) -> Any:
    """`{{ parameters.name }}` filled in; alone in a text it keeps its type."""

    def value(match: re.Match[str]) -> Any:
        return parameters.get(match[1] or match[2] or match[3], match[0])

    whole = _PARAMETER.fullmatch(text.strip())
    return value(whole) if whole else _PARAMETER.sub(lambda match: str(value(match)), text)


def plain(value: Any) -> Any:
    """A value that stands in the file itself, or an `Outside` where it is filled in from the settings or computed."""
    if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
        return value
    if match := _CONFIG.fullmatch(value.strip()):
        key = match[1] or match[2] or match[3]
        return Outside(key, f"config[{key!r}]")
    keys = [match[1] or match[2] or match[3] for match in _CONFIG.finditer(value)]
    return Outside(
        keys[0] if keys else "", "an expression" + (f" over config {', '.join(keys)}" if keys else ""), is_code=True
    )


def readable(value: str) -> str:
    """A text with settings in it, for people: `https://<subdomain>.example.com`."""
    return _CONFIG.sub(lambda match: f"<{match[1] or match[2] or match[3]}>", value)
