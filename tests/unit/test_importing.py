"""`jifen source import`: what is so for both tools, and the command."""

import contextlib
import json
import random
import re

import pytest
import typer
import yaml
from typer.testing import CliRunner

from connectors.errors import ConfigError
from connectors.importing.convert import import_source
from connectors.importing.findings import Findings, Part, looks_secret
from connectors.importing.names import dotted, snake
from connectors.source_files import read_source
from flows.cli_source_new import register
from tests.unit.imported_files import ALL, a_dlt_file, an_airbyte_file, carry, fixture


@pytest.mark.parametrize(("tool", "path"), ALL, ids=[f"{tool}-{path.stem}" for tool, path in ALL])
def test_every_known_configuration_reads(tool, path):
    source, imported = carry(tool, path)
    assert source.name == path.stem
    assert list(imported.variables) == source.variables()
    for line in imported.not_carried:
        assert f"# NOT CARRIED: {line}" in imported.text


@pytest.mark.parametrize(("tool", "path"), ALL, ids=[f"{tool}-{path.stem}" for tool, path in ALL])
def test_no_secret_of_a_file_is_written_or_told(tool, path):
    canaries = re.findall(r"[\w-]*canary[\w-]*", path.read_text(encoding="utf-8"))
    imported = import_source(tool, path)
    told = imported.text + "\n".join(imported.not_carried)
    assert [canary for canary in canaries if canary in told] == []


def mutated(rng, value):
    """The same with one or two parts of it replaced by something that does not belong there."""
    odd = (
        None,
        0,
        -3,
        1.5,
        "",
        "x",
        "{{ a }}",
        "税 务",
        "a\nb",
        [],
        {},
        [1],
        [None],
        {"a": 1},
        True,
        [["a", "b"]],
        10**30,
    )

    def places(part, path=()):
        inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        return [path, *(place for key, one in inner for place in places(one, (*path, key)))]

    for _ in range(rng.choice((1, 1, 2))):
        *way, last = rng.choice(places(value)[1:])
        at = value
        for step in way:
            at = at[step]
        at[last] = rng.choice(odd)
    return value


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("dlt", "land.yml"),
        ("dlt", "contracts.json"),
        ("airbyte", "tickets.yaml"),
        ("airbyte", "projects.yaml"),
        ("airbyte", "ledgerbook.yaml"),
    ],
)
def test_whatever_stands_in_a_file_it_is_carried_or_refused_and_never_breaks(tmp_path, tool, name):
    text = fixture(tool, name).read_text(encoding="utf-8")
    rng = random.Random(11)
    for _ in range(40):
        path = tmp_path / "odd.yaml"
        path.write_text(yaml.safe_dump(mutated(rng, yaml.safe_load(text)), allow_unicode=True), encoding="utf-8")
        with contextlib.suppress(ConfigError):
            import_source(tool, path)


def test_a_dataset_that_the_grammar_does_not_take_does_not_cost_the_others(tmp_path):
    path = a_dlt_file(tmp_path)
    config = json.loads(path.read_text(encoding="utf-8"))
    config["resources"].append(
        {"name": "bad", "primary_key": "id", "endpoint": {"path": "x", "data_selector": "has space"}}
    )
    path.write_text(json.dumps(config), encoding="utf-8")
    source, imported = carry("dlt", path)
    assert "rows" in [dataset.name for dataset in source.datasets]
    assert any("resources[bad]" in line for line in imported.not_carried)


def test_defaults_that_are_made_by_code_are_named(tmp_path):
    path = tmp_path / "coded.py"
    path.write_text(
        "c = {'client': {'base_url': 'https://a.example'}, 'resource_defaults': f(), 'resources': ['rows']}\n",
        encoding="utf-8",
    )
    assert any("resource_defaults" in line for line in import_source("dlt", path).not_carried)


@pytest.mark.parametrize(
    ("tool", "name", "text"),
    [
        ("dlt", "a.py", "x = ("),
        ("dlt", "a.py", "x = 1"),
        ("dlt", "a.json", "{"),
        ("dlt", "a.yml", "a: [canary-secret-1"),
        ("airbyte", "a.yaml", "a: [canary-secret-1"),
        ("airbyte", "a.yaml", "a: 1"),
        ("airbyte", "a.yaml", "[" * 3000),
    ],
)
def test_a_file_of_another_kind_is_refused_without_quoting_it(tmp_path, tool, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        import_source(tool, path)
    assert "canary" not in str(refused.value)


def test_words_of_a_file_cannot_leave_the_comment_they_stand_in(tmp_path):
    path = a_dlt_file(tmp_path, **{"evil\nversion: 3\nsources: []\n# ": "x"})
    source, imported = carry("dlt", path)
    assert source.name == "made"
    assert "\nversion: 3" not in imported.text


def test_what_was_taken_is_not_named_and_what_was_left_is():
    findings = Findings("a")
    part = Part({"taken": 1, "left": 2, "null": None}, "here", findings)
    part.take("taken")
    part.rest()
    assert findings.not_carried == ["here.left: has no counterpart in a source file"]


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("data.items", "data.items"),
        ("$.data.items[*]", "data.items"),
        ("$", ""),
        ("$['a']['b']", "a.b"),
        ("a[0].b", None),
        ("$..a", None),
        ("a[?(@.b)]", None),
    ],
)
def test_a_json_path_that_only_descends_is_a_dotted_path(path, ours):
    assert dotted(path) == ours


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("updatedAt", "updated_at"),
        ("HTTPCode", "http_code"),
        ("issue-comments", "issue_comments"),
        ("2nd", "f_2nd"),
        ("税号", "unnamed"),
    ],
)
def test_names_are_made_ours(theirs, ours):
    assert snake(theirs) == ours


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("api_key", "x", True),
        ("X-Auth-Token", "x", True),
        ("q", "sk_live_9f8e7d6c5b", True),
        ("q", "4f9a7c2e1b8d60354f9a", True),
        ("h", "Bearer abcdef123", True),
        ("state", "open", False),
        ("since", "2024-01-25T11:21:28Z", False),
        ("fields", "doc_id,title", False),
        ("sort", "updated_at_descending", False),
        ("limit", 100, False),
    ],
)
def test_what_looks_secret(name, value, is_secret):
    assert looks_secret(name, value) == is_secret


@pytest.fixture
def run():
    app = typer.Typer()
    register(app)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_writes_the_file_and_names_what_was_not_carried(run, tmp_path):
    answer = run("import", "--from", "dlt", fixture("dlt", "land.yml"), "--out", tmp_path / "leases.yml")
    assert answer.exit_code == 0
    assert read_source(tmp_path / "leases.yml").variables() == ["LEASES_API_KEY", "LEASES_BASE_URL"]
    assert "NOT CARRIED: resources[parcels].endpoint.paginator.maximum_page" in answer.stderr
    assert "jifen source check leases" in answer.stdout


def test_the_command_fails_where_nothing_can_be_carried(run, tmp_path):
    path = an_airbyte_file(tmp_path, {"retriever": {"type": "CustomRetriever"}})
    answer = run("import", "--from", "airbyte", path, "--out", tmp_path / "made.yml")
    assert answer.exit_code == 1
    assert not (tmp_path / "made.yml").exists()


def test_the_command_never_overwrites(run, tmp_path):
    (tmp_path / "land.yml").write_text("mine", encoding="utf-8")
    assert run("import", "--from", "dlt", fixture("dlt", "land.yml"), "--out", tmp_path / "land.yml").exit_code == 1
    assert (tmp_path / "land.yml").read_text(encoding="utf-8") == "mine"
