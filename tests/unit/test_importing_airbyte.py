"""What an Airbyte manifest declares, as a source file."""

import pytest
import yaml

from connectors.errors import ConfigError
from connectors.importing.convert import import_source
from tests.unit.imported_files import an_airbyte_file, carry, fixture


def test_references_and_parameters_are_followed():
    surveys = carry("airbyte", fixture("airbyte", "survey.yaml"))[0].dataset("surveys")
    assert (surveys.request.path, surveys.decoder.records, surveys.key) == ("/surveys", "data", ("id",))


def test_an_inline_schema_becomes_columns_and_nested_fields_are_named():
    source, imported = carry("airbyte", fixture("airbyte", "survey.yaml"))
    kinds = {column.name: column.data_type for column in source.dataset("surveys").columns}
    assert kinds["created_at"] == "timestamp"
    assert kinds["closes_on"] == "date"
    assert kinds["score"] == "decimal(20, 4)"
    assert any(line.endswith("left to _extra as JSON: questions") for line in imported.not_carried)


def test_each_paginator_of_airbyte_has_its_own():
    found = {}
    for name in ("survey", "tickets", "projects", "ledgerbook", "registry"):
        for dataset in carry("airbyte", fixture("airbyte", f"{name}.yaml"))[0].datasets:
            found[dataset.name] = dataset.paginator
    assert (found["surveys"].kind, found["surveys"].first, found["surveys"].size) == ("page_number", 1, 100)
    assert (found["tickets"].kind, found["tickets"].next) == ("next_link", "links.next")
    assert (found["projects"].kind, found["projects"].next, found["projects"].size) == (
        "cursor_body",
        "meta.next_cursor",
        50,
    )
    assert (found["entries"].kind, found["entries"].token_field, found["entries"].size_param) == (
        "post_token",
        "token",
        "size",
    )
    assert (found["firms"].kind, found["firms"].cursor) == ("keyset", "id")
    assert found["branches"].kind == "link_header"
    assert (found["licences"].kind, found["licences"].until) == ("offset", "empty")
    assert found["members"].kind == "single"


def test_a_substream_becomes_a_partition_and_its_parent_stands_before_it():
    source, _ = carry("airbyte", fixture("airbyte", "projects.yaml"))
    assert [dataset.name for dataset in source.datasets] == ["projects", "members", "reports"]
    members = source.dataset("members")
    assert (members.request.path, members.parent) == ("/projects/{project_id}/members", "projects")


def test_a_list_partition_is_carried():
    partition = carry("airbyte", fixture("airbyte", "projects.yaml"))[0].dataset("reports").request.partition
    assert (partition.values, partition.param) == (("south", "north"), "region")


def test_a_date_cursor_becomes_since_with_its_lookback():
    source, imported = carry("airbyte", fixture("airbyte", "tickets.yaml"))
    since = source.dataset("tickets").since
    assert (since.param, since.column, since.lookback_days) == ("updated_since", "updated_at", 3)
    assert source.dataset("tickets").load == "upsert"
    for what in ("step", "end_time_option", "start_datetime", "record_filter", "transformations"):
        assert any(what in line for line in imported.not_carried), what


def test_codes_in_the_body_and_limits_are_carried():
    source, imported = carry("airbyte", fixture("airbyte", "ledgerbook.yaml"))
    answered = source.dataset("entries").request.answered
    assert (answered.code, answered.ok, answered.retry) == ("code", ("0",), ("9001",))
    assert (source.connection.limits.connections, source.connection.limits.per_second) == (4, 2.0)
    assert any("IGNORE for 404" in line for line in imported.not_carried)


def test_oauth_is_carried_where_one_can_ask_by_client_credentials():
    auth = carry("airbyte", fixture("airbyte", "ledgerbook.yaml"))[0].connection.auth
    assert (auth.kind, auth.token_path, auth.scope) == ("oauth2_client_credentials", "/oauth2/token", "entries.read")


def test_a_refresh_token_is_named_and_cannot_pass(tmp_path):
    authenticator = {"type": "OAuthAuthenticator", "grant_type": "refresh_token", "refresh_token": "{{ config['r'] }}"}
    source, imported = carry("airbyte", an_airbyte_file(tmp_path, requester={"authenticator": authenticator}))
    assert source.connection.auth.kind == "bearer"
    assert any("OAuthAuthenticator has no kind" in line for line in imported.not_carried)


def test_a_session_login_and_each_decoder_are_carried():
    source, _ = carry("airbyte", fixture("airbyte", "exports.yaml"))
    auth = source.connection.auth
    assert (auth.kind, auth.login_path, auth.token, auth.header, auth.prefix) == (
        "session_login",
        "/session",
        "data.id",
        "X-Session",
        "",
    )
    assert auth.login == "json"
    invoices, notices, movements = (source.dataset(name).decoder for name in ("invoices", "notices", "movements"))
    assert (invoices.kind, invoices.archive, invoices.encoding, invoices.delimiter) == ("csv", "gzip", "gb18030", "|")
    assert (notices.kind, notices.record) == ("xml", "notices/notice")
    assert movements.kind == "jsonl"


def test_streams_that_are_code_are_left_out_and_named():
    imported = import_source("airbyte", fixture("airbyte", "odd.yaml"))
    for name in ("elsewhere", "coded", "delegated", "ordered"):
        assert any(line.startswith(f"streams[{name}]: left out") for line in imported.not_carried), name
        assert f"name: {name}" not in imported.text


@pytest.mark.parametrize("place", ["stream", "retriever", "requester", "authenticator", "incremental_sync"])
def test_no_unknown_word_of_airbyte_is_dropped_silently(tmp_path, place):
    odd = {"odd_word": "x"}
    authenticator = {
        "type": "BearerAuthenticator",
        "api_token": "{{ config['t'] }}",
        **(odd if place == "authenticator" else {}),
    }
    cursor = {
        "type": "DatetimeBasedCursor",
        "cursor_field": "at",
        "datetime_format": "%Y-%m-%d",
        "start_datetime": "2024-01-01",
        "start_time_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "since"},
        **(odd if place == "incremental_sync" else {}),
    }
    stream = {"incremental_sync": cursor, **(odd if place == "stream" else {})}
    requester = {"authenticator": authenticator, **(odd if place == "requester" else {})}
    path = an_airbyte_file(tmp_path, stream, requester=requester, **(odd if place == "retriever" else {}))
    assert any("odd_word" in line for line in import_source("airbyte", path).not_carried)


def test_a_manifest_of_code_alone_is_refused_with_the_list(tmp_path):
    path = an_airbyte_file(tmp_path, {"retriever": {"type": "CustomRetriever"}})
    with pytest.raises(ConfigError, match=r"(?s)nothing of it makes a source file.*NOT CARRIED: .*CustomRetriever"):
        import_source("airbyte", path)


def test_a_reference_in_a_circle_is_refused(tmp_path):
    path = tmp_path / "circle.yaml"
    path.write_text(
        'definitions: {a: {$ref: "#/definitions/a"}}\nstreams: [{$ref: "#/definitions/a"}]\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="leads back to itself"):
        import_source("airbyte", path)


def test_references_that_multiply_are_stopped(tmp_path):
    definitions = {f"a{n}": {str(k): {"$ref": f"#/definitions/a{n + 1}"} for k in range(10)} for n in range(12)}
    definitions["a12"] = {"x": 1}
    path = tmp_path / "bomb.yaml"
    path.write_text(
        yaml.safe_dump({"definitions": definitions, "streams": [{"$ref": "#/definitions/a0"}]}), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="grows beyond"):
        import_source("airbyte", path)
