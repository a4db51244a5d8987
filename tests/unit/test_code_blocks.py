"""Every block of code in README and docs is run, or parsed; every `jifen` command in them is one that there is.

A block of shell says in its head which of the two: `sh run` is run here, line by line; `sh parsed` is dear, or works on
what a reader has at home: its shell is parsed, and each command, option, file and make target that it names is there.
"""

import ast
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from click import Context
from typer.main import get_command

from cli.app import app
from connectors.sink_files import read_sinks
from connectors.source_files import read_source
from connectors.zone import Zone
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml
from tests.command_line import jifen

PAGES = [
    PROJECT_DIR / "README.md",
    PROJECT_DIR / "dbt_project" / "README.md",
    *sorted((PROJECT_DIR / "docs").glob("*.md")),
]
KINDS = {"sh run", "sh parsed", "ini", "dockerfile", "python", "yaml", "json", "sql", "sql fragment", "text"}
FENCED = re.compile(r"^( *)```([^\n]*)\n(.*?)\n *```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?: {4}(?:\.venv/bin|jifen|make|export|cp|mkdir|for) .*\n(?: {4,}.*\n)*)+")
INLINE = re.compile(r"`(jifen [^`\n]+)`")
OURS = re.compile(r"(?:^\s*|&& |\| |; |\$\()(?:\.venv/bin/)?jifen (.*)")
TARGETS = set(re.findall(r"^([\w-]+):", (PROJECT_DIR / "Makefile").read_text(), re.MULTILINE))
MACROS = {path.stem for path in (PROJECT_DIR / "dbt_project" / "macros").rglob("*.sql")}


@dataclass(frozen=True)
class Block:
    """A block of code: the page, the line it begins on, its head, what stands in it."""

    page: Path
    line: int
    kind: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT_DIR)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fenced = [
        Block(
            page,
            text[: one.start()].count("\n") + 1,
            one[2].strip() or "text",
            textwrap.dedent(one[1] + one[3].lstrip(" ")),
        )
        for one in FENCED.finditer(text)
    ]
    rest = FENCED.sub(lambda one: "\n" * one[0].count("\n"), text)
    indented = [
        Block(page, rest[: one.start()].count("\n") + 1, "sh parsed", textwrap.dedent(one[0]))
        for one in INDENTED.finditer(rest)
    ]
    return [*fenced, *indented]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [one for one in BLOCKS if one.kind in kinds], ids=str)


def commands_in(code: str) -> list[list[str]]:
    """The words of every jifen command, as a shell splits them."""
    lines = code.replace("\\\n", " ").splitlines()
    return [
        shlex.split(found[1], comments=True)
        for line in lines
        if (found := OURS.search(line)) and line.lstrip()[:1] != "#"
    ]


def require_known(words: list[str]) -> None:
    """Each command and each option is one that there is."""
    command, said = get_command(app), ["jifen"]
    known = {option for one in command.params for option in one.opts}
    rest = list(words)
    while rest and rest[0].startswith("--data-dir"):
        rest = rest[1 if "=" in rest[0] else 2 :]
    while hasattr(command, "list_commands") and rest and rest[0][0] not in "-|…":
        word = rest.pop(0)
        said.append(word)
        command = command.get_command(Context(command), word)
        assert command is not None, f"there is no {' '.join(said)}"
    known |= {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    if said[1:2] == ["explain"]:
        return  # reads its words itself: cli.explain
    for word in rest:
        if word in ("|", "&&", ";", "||"):
            break
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{' '.join(said)} has no {word}; it has {sorted(known)}"


def test_the_pages_hold_blocks_of_kinds_that_are_looked_at():
    assert len(BLOCKS) > 40
    assert {block.kind for block in BLOCKS} <= KINDS, [str(block) for block in BLOCKS if block.kind not in KINDS]


@of_kind("sh run", "sh parsed")
def test_a_block_of_shell_is_shell_and_names_what_is_there(block):
    done = subprocess.run(["/bin/bash", "-n"], input=block.code.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for words in commands_in(block.code):
        require_known(words)
    for target in re.findall(r"(?:^|\n)make (?!-)([\w-]+)", block.code):
        assert target in TARGETS
    for path in re.findall(r"(?<![\w/.])(?:docs|sandbox|benchmarks|tests)/[\w./-]+", block.code):
        assert (PROJECT_DIR / path).exists(), path
    for module in re.findall(r"python -m ([\w.]+)", block.code):
        assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_one_that_there_is(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for said in INLINE.findall(text):
        require_known(said.replace("…", " … ").split()[1:])


@of_kind("sh run")
def test_a_block_of_shell_that_is_to_be_run_runs(block, tmp_path):
    env = {"PATH": "/usr/bin:/bin", "JIFEN_DATA_DIR": str(tmp_path / "data"), "JIFEN_ENV_FILE": ""}
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == [".venv/bin/jifen"]:
            done = jifen(*(word.replace("/tmp/", f"{tmp_path}/") for word in words[1:]), env=env, cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{(done.stdout + done.stderr).decode()}"
        elif words:
            shown = line.replace("/tmp/", f"{tmp_path}/")
            subprocess.run(["/bin/bash", "-euc", shown], env=env, cwd=tmp_path, check=True)


@of_kind("python")
def test_a_block_of_python_compiles_and_imports_what_there_is(block):
    for node in ast.walk(ast.parse(block.code)):
        for name in [one.name for one in node.names] if isinstance(node, ast.Import) else []:
            assert importlib.util.find_spec(name)
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(importlib.import_module(str(node.module)), one.name) for one in node.names)


@of_kind("yaml")
def test_a_block_of_yaml_reads_and_is_valid_where_it_is_a_whole_file(block, tmp_path):
    found = read_yaml(block.code)
    assert isinstance(found, dict)
    if "sources" in found:
        path = tmp_path / f"{found['sources'][0]['name']}.yml"
        path.write_text(block.code, encoding="utf-8")
        read_source(path)
    elif "kind" in found:
        (tmp_path / "group.yml").write_text(block.code, encoding="utf-8")
        read_sinks(tmp_path)
    elif "not_supplied" in found:
        Zone.model_validate(found)


@of_kind("json")
def test_a_block_of_json_reads(block):
    assert json.loads(block.code)


@of_kind("sql")
def test_a_block_of_sql_is_sql(block):
    with duckdb.connect() as connection:
        assert len(connection.extract_statements(block.code)) >= 1


@of_kind("sql fragment")
def test_a_part_of_a_model_calls_macros_that_there_are(block):
    called = re.findall(r"{{\s*(\w+)\(", block.code)
    assert called
    assert set(called) <= MACROS | {"ref", "source"}


def unit_of(block: Block) -> tuple[str, str]:
    """The name of a systemd unit and what stands in it, with the paths of this checkout."""
    head, _, rest = block.code.partition("\n")
    return Path(head.removeprefix("# ")).name, rest.replace("/srv/jifen", str(PROJECT_DIR))


@of_kind("ini")
def test_a_unit_starts_a_command_that_there_is(block):
    (said,) = re.findall(r"^(?:ExecStart|Unit)=(.*)$", block.code, re.MULTILINE)
    program, *words = said.split()
    if program.endswith("/jifen"):
        require_known(words)
    elif program.endswith("/prefect"):
        assert words[:2] in (["server", "start"], ["worker", "start"])
    else:
        assert program in {unit_of(one)[0] for one in BLOCKS if one.kind == "ini"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_are_what_systemd_understands(tmp_path):
    units = dict(unit_of(one) for one in BLOCKS if one.kind == "ini")
    for name, content in units.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    paths = [str(tmp_path / name) for name in units]
    command = [str(shutil.which("systemd-analyze")), "verify", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "jifen" in line]
    assert (done.returncode, ours) == (0, [])


@of_kind("dockerfile")
def test_a_container_file_says_what_docker_knows_and_starts_what_there_is(block):
    said = [line.split(maxsplit=1) for line in block.code.splitlines()]
    assert {word for word, _ in said} <= {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "ENTRYPOINT", "CMD"}
    told = dict(said)
    assert json.loads(told["ENTRYPOINT"])[0].endswith("/.venv/bin/jifen")
    require_known(json.loads(told["CMD"]))
    assert re.search(r"^RUN make setup$", block.code, re.MULTILINE)
