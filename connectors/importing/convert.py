"""One file of another tool in, one source file of ours out, with the list of what could not be carried over."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import ConfigError
from connectors.importing.airbyte import airbyte_text
from connectors.importing.dlt import dlt_text
from connectors.importing.findings import Findings
from connectors.importing.names import is_name, snake
from connectors.source_files import read_source

TOOLS: dict[str, Callable[[Path, Findings], str]] = {"dlt": dlt_text, "airbyte": airbyte_text}


@dataclass(frozen=True)
class Imported:
    """The text of the source file, its name, and what a person must still do."""

    name: str
    text: str
    not_carried: tuple[str, ...]
    variables: tuple[str, ...]


def import_source(tool: str, path: Path, name: str | None = None) -> Imported:
    """Import one file; a result that would not read is a `ConfigError`, which lists what was not carried over."""
    if tool not in TOOLS:
        raise ConfigError(f"no such tool; there are {', '.join(TOOLS)}.", "jifen source import", "name one of them")
    name = name or snake(path.stem, "imported")[:40]
    if not is_name(name):
        raise ConfigError("is no name for a source.", name, "--name with small letters, digits and underscores")
    findings = Findings(name)
    text = TOOLS[tool](path, findings)
    _no_secret_left(text, findings, path)
    _must_read(text, name, findings, path)
    return Imported(name, text, tuple(findings.not_carried), tuple(sorted(findings.variables)))


def _no_secret_left(text: str, findings: Findings, path: Path) -> None:
    """The last line of defence: a literal that was found to be secret stands nowhere in what we say."""
    told = "\n".join([text, *findings.not_carried])
    if any(len(secret) >= 8 and secret in told for secret in findings.secrets):
        raise ConfigError(
            "a secret of the file would stand in the result, so nothing is written.",
            str(path),
            "replace the secrets in the file by variables, then import it again",
        )


def _must_read(text: str, name: str, findings: Findings, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / f"{name}.yml"
        trial.write_text(text, encoding="utf-8")
        try:
            read_source(trial)
        except ConfigError as error:
            left = "".join(f"\n  NOT CARRIED: {line}" for line in findings.not_carried)
            raise ConfigError(
                f"nothing of it makes a source file that reads ({error.what}).{left}",
                str(path),
                "jifen source new, and carry over by hand",
            ) from None
