"""What a dlt `rest_api` configuration declares, as a source file."""

import json

import pytest

from connectors.importing.convert import import_source
from tests.unit.imported_files import a_dlt_file, carry, fixture


def test_a_bearer_token_of_a_function_becomes_a_variable():
    source, imported = carry("dlt", fixture("dlt", "github.py"))
    assert source.connection.auth.token.env == "GITHUB_TOKEN"
    assert "# GITHUB_TOKEN: was dlt.secrets.value, the argument access_token" in imported.text
    assert "# GITHUB_BASE_URL: was https://api.tracker.example/repos/zone/points" in imported.text


def test_an_incremental_parameter_becomes_since_with_its_lag_in_days():
    issues = carry("dlt", fixture("dlt", "github.py"))[0].dataset("issues")
    assert issues.load == "upsert"
    since = issues.request.since
    assert (since.param, since.column, since.start, since.lookback_days) == (
        "since",
        "updated_at",
        "2024-01-25T11:21:28Z",
        2,
    )
    assert issues.request.params == {"per_page": "100", "sort": "updated", "state": "open"}


def test_a_resolved_parameter_becomes_a_partition_over_its_parent():
    source, imported = carry("dlt", fixture("dlt", "github.py"))
    comments = source.dataset("issue_comments")
    assert comments.request.path == "/issues/{issue_number}/comments"
    assert (comments.parent, comments.request.partition.column) == ("issues", "number")
    assert imported.not_carried == (
        "resources[issue_comments].include_from_parent: join the parent in the staging model",
    )


def test_an_expression_in_the_path_becomes_a_partition():
    amendments = carry("dlt", fixture("dlt", "contracts.json"))[0].dataset("amendments")
    assert amendments.request.path == "/contracts/{contract_records_id}/amendments"
    assert amendments.parent == "contract_records"


def test_an_expression_in_a_parameter_becomes_a_partition():
    files = carry("dlt", fixture("dlt", "typed.py"))[0].dataset("run_files")
    assert (files.request.partition.param, files.parent) == ("run", "payroll_runs")


def test_each_paginator_of_dlt_has_its_own():
    found = {}
    for name in ("github.py", "berries.py", "land.yml", "contracts.json", "search.py", "typed.py"):
        for dataset in carry("dlt", fixture("dlt", name))[0].datasets:
            found[dataset.name] = dataset.paginator
    assert found["issues"].kind == "link_header"
    assert (found["berry"].kind, found["berry"].next) == ("next_link", "paging.next")
    leases = found["leases"]
    assert (leases.kind, leases.offset_param, leases.size_param, leases.size, leases.total) == (
        "offset",
        "start",
        "rows",
        200,
        "data.totalCount",
    )
    parcels = found["parcels"]
    assert (parcels.kind, parcels.first, parcels.size_param, parcels.size) == ("page_number", 1, "pageSize", 50)
    records = found["contract_records"]
    assert (records.kind, records.next, records.cursor_param, records.size) == (
        "cursor_body",
        "meta.next_cursor",
        "after",
        500,
    )
    assert (found["amendments"].kind, found["amendments"].header) == ("cursor_header", "X-Next")
    assert (found["hits"].kind, found["hits"].token_field) == ("post_token", "token")
    assert found["run_files"].kind == "single"


def test_a_total_that_counts_pages_is_not_taken_for_one_that_counts_records():
    paginator = carry("dlt", fixture("dlt", "land.yml"))[0].dataset("parcels").paginator
    assert (paginator.total, paginator.total_pages, paginator.until) == (None, "data.pages", None)


def test_a_list_without_a_total_is_read_until_a_page_is_empty_and_that_is_named():
    source, imported = carry("dlt", fixture("dlt", "classes.py"))
    assert (source.dataset("filings").paginator.total, source.dataset("filings").paginator.until) == (None, "empty")
    assert any("total_path: pages are read until one is empty" in line for line in imported.not_carried)


def test_plain_headers_are_carried():
    assert carry("dlt", fixture("dlt", "classes.py"))[0].connection.headers == {"Accept": "application/json"}


def test_a_paginator_that_dlt_would_guess_cannot_pass_for_a_single_page():
    """`single` with a total that is nowhere stops at the first answer; without it one page would pass for all."""
    source, imported = carry("dlt", fixture("dlt", "typed.py"))
    assert source.dataset("payroll_runs").paginator.total == "TODO.total"
    assert any("finds the paginator by trying" in line for line in imported.not_carried)


def test_client_credentials_are_carried_below_the_base_address():
    source, imported = carry("dlt", fixture("dlt", "contracts.json"))
    auth = source.connection.auth
    assert (auth.kind, auth.token_path, auth.scope, auth.send) == (
        "oauth2_client_credentials",
        "/oauth/token",
        "read:contracts",
        "body",
    )
    assert any("audience" in line for line in imported.not_carried)


def test_hints_of_columns_are_carried_with_types_and_key():
    runs = carry("dlt", fixture("dlt", "typed.py"))[0].dataset("payroll_runs")
    kinds = {column.name: column.data_type for column in runs.columns}
    assert kinds == {
        "run_no": "varchar",
        "month": "date",
        "paid": "decimal(18, 2)",
        "head_count": "bigint",
        "deleted": "boolean",
    }
    assert runs.key == ("run_no",)
    assert (runs.schema_contract.columns, runs.schema_contract.data_type) == ("discard_value", "freeze")
    assert (runs.deletes.kind, runs.deletes.column) == ("replace_by", "month")


def test_objects_constants_and_text_put_together_are_read_without_running():
    source, imported = carry("dlt", fixture("dlt", "classes.py"))
    assert "# CLASSES_BASE_URL: was https://filings.example/v4" in imported.text
    assert source.connection.auth.kind == "basic"
    filings = source.dataset("filings")
    assert filings.request.path == "/filings/all"
    assert filings.request.params == {"year": "TODO_filing_year"}
    assert (filings.paginator.kind, filings.paginator.size_param) == ("offset", "top")


@pytest.mark.parametrize(
    "what",
    [
        "session",
        "processing_steps",
        "response_actions",
        "data_selector",
        "cursor_path",
        "code in line",
    ],
)
def test_what_is_code_or_has_no_counterpart_is_named(what):
    assert any(what in line for line in import_source("dlt", fixture("dlt", "classes.py")).not_carried)


def test_a_python_file_is_never_run(tmp_path):
    witness = tmp_path / "ran"
    path = tmp_path / "evil.py"
    path.write_text(
        f"open({str(witness)!r}, 'w').write('ran')\n"
        "config = {'client': {'base_url': 'https://a.example', 'auth': {'token': "
        f"__import__('os').system('touch {witness}')}}}}, 'resources': ['rows']}}\n",
        encoding="utf-8",
    )
    imported = import_source("dlt", path)
    assert not witness.exists()
    assert "EVIL_TOKEN" in imported.variables


def test_a_name_that_is_given_two_values_is_not_guessed(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(
        "host = 'https://a.example'\nhost = 'https://b.example'\n"
        "config = {'client': {'base_url': host, 'auth': {'token': '${T}'}}, 'resources': ['rows']}\n",
        encoding="utf-8",
    )
    imported = import_source("dlt", path)
    assert "a.example" not in imported.text
    assert "b.example" not in imported.text


def test_a_name_that_is_defined_by_itself_does_not_hang(tmp_path):
    path = tmp_path / "loop.py"
    path.write_text("a = b\nb = a\nc = {'client': {'base_url': a}, 'resources': ['rows']}\n", encoding="utf-8")
    assert "LOOP_BASE_URL" in import_source("dlt", path).variables


def test_a_second_configuration_in_the_file_is_named(tmp_path):
    path = tmp_path / "pair.py"
    one = "{'client': {'base_url': 'https://a.example'}, 'resources': ['rows']}"
    path.write_text(f"a = {one}\nb = {one}\n", encoding="utf-8")
    assert any(line.startswith("line 2: a further configuration") for line in import_source("dlt", path).not_carried)


@pytest.mark.parametrize("place", ["top", "resource", "endpoint", "paginator", "incremental", "auth"])
def test_no_unknown_word_of_dlt_is_dropped_silently(tmp_path, place):
    odd = {"odd_word": "x"}
    endpoint = {
        "path": "rows",
        "data_selector": "$",
        "paginator": {"type": "json_link", **(odd if place == "paginator" else {})},
    }
    endpoint["incremental"] = {
        "cursor_path": "at",
        "start_param": "since",
        "initial_value": "2024-01-01T00:00:00Z",
        **(odd if place == "incremental" else {}),
    }
    endpoint |= odd if place == "endpoint" else {}
    auth = {"type": "bearer", "token": "${T}", **(odd if place == "auth" else {})}
    path = a_dlt_file(
        tmp_path,
        {"auth": auth, **(odd if place == "top" else {})},
        endpoint=endpoint,
        **(odd if place == "resource" else {}),
    )
    assert any("odd_word" in line for line in import_source("dlt", path).not_carried)


def test_a_numeric_cursor_is_named_and_all_is_read(tmp_path):
    endpoint = {
        "path": "rows",
        "data_selector": "$",
        "incremental": {"cursor_path": "at", "start_param": "s", "initial_value": 0},
    }
    source, imported = carry("dlt", a_dlt_file(tmp_path, endpoint=endpoint))
    assert source.dataset("rows").since is None
    assert any("the cursor is a number" in line for line in imported.not_carried)


def test_a_child_without_its_parent_is_left_out(tmp_path):
    path = tmp_path / "orphan.json"
    endpoint = {"path": "rows/{resources.gone.id}", "data_selector": "$"}
    resources = ["here", {"name": "rows", "primary_key": "id", "endpoint": endpoint}]
    path.write_text(json.dumps({"client": {"base_url": "https://a.example"}, "resources": resources}), encoding="utf-8")
    imported = import_source("dlt", path)
    assert any("left out: its parent gone" in line for line in imported.not_carried)
    assert "name: rows" not in imported.text
