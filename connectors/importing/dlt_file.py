"""Reading a dlt `rest_api` configuration out of a Python, JSON or YAML file. Nothing in the file is run or imported."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.errors import ConfigError
from connectors.importing.findings import Findings, Outside
from ledger.yaml_file import read_yaml

MAX_BYTES = 4 * 1024 * 1024
NEXT_STEP = "name a file that holds a rest_api configuration: a dict with client and resources"

_CLASSES = {
    "BearerTokenAuth": "bearer",
    "APIKeyAuth": "api_key",
    "HttpBasicAuth": "http_basic",
    "OAuth2ClientCredentials": "oauth2_client_credentials",
    "SinglePagePaginator": "single_page",
    "HeaderLinkPaginator": "header_link",
    "HeaderCursorPaginator": "header_cursor",
    "JSONLinkPaginator": "json_link",
    "JSONResponsePaginator": "json_link",
    "JSONResponseCursorPaginator": "cursor",
    "OffsetPaginator": "offset",
    "PageNumberPaginator": "page_number",
}
"""dlt's classes, as the `type` that says the same."""

_FIRST_ARGUMENTS = {
    "bearer": ("token",),
    "http_basic": ("username", "password"),
    "json_link": ("next_url_path",),
    "header_link": ("links_next_key",),
    "header_cursor": ("cursor_key", "cursor_param"),
    "cursor": ("cursor_path", "cursor_param"),
    "offset": ("limit", "offset"),
    "incremental": ("cursor_path", "initial_value"),
}
_VARIABLE = re.compile(r"^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$|^env:([A-Za-z_][A-Za-z0-9_]*)$")
_SECRET_STORES = {"dlt.secrets", "secrets", "dlt.config", "config", "os.environ", "environ"}
_READERS = {"os.getenv", "getenv", "os.environ.get", "environ.get", "dlt.secrets.get", "dlt.config.get", "EnvVar"}


def read_text(path: Path) -> str:
    """The text of a file to import, or a `ConfigError`; nothing of its content goes into a message."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"is larger than {MAX_BYTES} bytes.", str(path), NEXT_STEP)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({type(error).__name__}).", str(path), "name a text file in UTF-8") from None


def read_dlt(path: Path, findings: Findings) -> dict[str, Any]:
    """The configuration in a file; values from elsewhere are `Outside`."""
    text = read_text(path)
    try:
        if path.suffix == ".py":
            return dict(_with_variables(_from_python(text, findings)))
        found = json.loads(text) if path.suffix == ".json" else read_yaml(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        place = f" (line {line})" if line is not None else ""
        raise ConfigError(f"is not a file of its kind{place}.", str(path), NEXT_STEP) from None
    for candidate in (found, *(found.values() if isinstance(found, dict) else ())):
        if isinstance(candidate, dict) and {"client", "resources"} <= candidate.keys():
            return dict(_with_variables(candidate))
    raise ConfigError("holds no dict with client and resources.", str(path), NEXT_STEP)


def _with_variables(value: Any) -> Any:
    """`${NAME}` and `env:NAME` name a variable, where a file has no calls."""
    if isinstance(value, dict):
        return {str(key): _with_variables(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_variables(part) for part in value]
    if isinstance(value, str) and (match := _VARIABLE.match(value)):
        return Outside(match[1] or match[2], f"the variable {match[1] or match[2]}")
    return value


def _from_python(text: str, findings: Findings) -> dict[str, Any]:
    tree = ast.parse(text)
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and {"client", "resources"} <= _keys(node)]
    dicts += [node for node in ast.walk(tree) if _is_config_call(node)]  # type: ignore[misc]
    if not dicts:
        raise ConfigError("holds no dict with client and resources.", "the Python file", NEXT_STEP)
    first, *others = sorted(dicts, key=lambda node: node.lineno)
    for other in others:
        findings.drop(f"line {other.lineno}", "a further configuration: import it from a file of its own")
    read = _Literals(_assigned(tree), _parameters(tree)).read(first)
    return dict(read)


def _keys(node: ast.Dict) -> set[str]:
    return {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _is_config_call(node: ast.AST) -> bool:
    """`dict(client=…, resources=…)` or `RESTAPIConfig(client=…, resources=…)`."""
    return isinstance(node, ast.Call) and {"client", "resources"} <= {word.arg for word in node.keywords}


def _assigned(tree: ast.AST) -> dict[str, ast.expr]:
    """Names that are given a value exactly once, wherever that is: anything else cannot be known without running."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(ast.Constant(None))
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _parameters(tree: ast.AST) -> dict[str, ast.expr]:
    """Parameters of functions with their defaults: `def source(token: str = dlt.secrets.value)`."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            plain = [*node.args.posonlyargs, *node.args.args]
            defaulted = plain[len(plain) - len(node.args.defaults) :]
            found |= {argument.arg: value for argument, value in zip(defaulted, node.args.defaults, strict=True)}
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            found |= {argument.arg: value for argument, value in pairs if value is not None}
    return found


class _Literals:
    """Python nodes as values: literals as they are, names that stand for literals, all else as `Outside`."""

    def __init__(self, assigned: dict[str, ast.expr], parameters: dict[str, ast.expr]) -> None:
        self._assigned, self._parameters = assigned, parameters
        self._open: set[str] = set()

    def read(self, node: ast.expr) -> Any:
        readers: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Dict: self._mapping,
            ast.List: self._list,
            ast.Tuple: self._list,
            ast.Set: self._list,
            ast.Name: self._name,
            ast.Call: self._call,
            ast.BinOp: self._joined,
            ast.JoinedStr: self._joined,
            ast.Subscript: _looked_up,
            ast.Attribute: _looked_up,
        }
        reader: Callable[[Any], Any] = readers.get(type(node), _literal)
        return reader(node)

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> list[Any]:
        return [self.read(part) for part in node.elts]

    def _joined(self, node: ast.BinOp | ast.JoinedStr) -> Any:
        """Texts put together by + or in an f-string, where every one of them is known."""
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        else:
            parts = [node.left, node.right] if isinstance(node.op, ast.Add) else [node]
        texts = [self.read(part) for part in parts if part is not node]
        return "".join(texts) if texts and all(isinstance(text, str) for text in texts) else _code(node)

    def _mapping(self, node: ast.Dict) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                inner = self.read(value)
                read |= inner if isinstance(inner, dict) else {f"**line {node.lineno}": _code(value)}
            else:
                name = self.read(key)
                read[str(name) if not isinstance(name, Outside) else name.told] = self.read(value)
        return read

    def _name(self, node: ast.Name) -> Any:
        """What a name stands for; one that is defined by itself is code."""
        if node.id in self._open:
            return _code(node)
        self._open.add(node.id)
        try:
            if node.id in self._assigned:
                found = self.read(self._assigned[node.id])
            elif node.id in self._parameters:
                default = self._parameters[node.id]
                is_store = isinstance(default, (ast.Attribute, ast.Subscript))
                found = _looked_up(default, node.id) if is_store else self.read(default)
            else:
                found = Outside(node.id, f"the name {node.id} in line {node.lineno}", is_code=True)
        finally:
            self._open.discard(node.id)
        return found

    def _call(self, node: ast.Call) -> Any:
        name = ast.unparse(node.func)
        last = name.rsplit(".", 1)[-1]
        words = {word.arg: self.read(word.value) for word in node.keywords if word.arg}
        if name in _READERS and node.args and isinstance(node.args[0], ast.Constant):
            return Outside(str(node.args[0].value), f"{name}({node.args[0].value!r})")
        if last in ("dict", "RESTAPIConfig", "ClientConfig", "EndpointResource", "Endpoint"):
            return words
        kind = "incremental" if last in ("incremental", "Incremental") else _CLASSES.get(last)
        if kind is None:
            return _code(node)
        first = dict(zip(_FIRST_ARGUMENTS.get(kind, ()), (self.read(part) for part in node.args), strict=False))
        return {"type": kind, **first, **words}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return _code(node)


def _looked_up(node: ast.expr, parameter: str = "") -> Outside:
    """`dlt.secrets["a.b"]`, `dlt.secrets.value`, `os.environ["X"]`; anything else is code."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        store, key = ast.unparse(node.value), str(node.slice.value)
        if store in _SECRET_STORES:
            return Outside(key, f"{store}[{key!r}]")
    if isinstance(node, ast.Attribute) and node.attr == "value" and ast.unparse(node.value) in _SECRET_STORES:
        return Outside(parameter, f"{ast.unparse(node)}, the argument {parameter}" if parameter else ast.unparse(node))
    return _code(node)


def _code(node: ast.expr) -> Outside:
    return Outside("", f"code in line {node.lineno}", is_code=True)
