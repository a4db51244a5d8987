import json
import os
from datetime import date

import duckdb
import pytest

from editions.build import BuildError, build, read_results, require_whole
from editions.candidate import drop_old_candidates, new_candidate
from editions.parse_cache import kept_parse
from tests.unit.small_edition import AS_OF

PROJECT = {
    "dbt_project.yml": "name: toy\nprofile: toy\nmodel-paths: [models]\n",
    "profiles.yml": (
        "toy:\n  target: night\n  outputs:\n    night:\n      type: duckdb\n"
        "      path: \"{{ env_var('JIFEN_WAREHOUSE') }}\"\n      threads: 2\n"
    ),
    "models/first.sql": "{{ config(materialized='table') }}\nselect '{{ env_var(\"JIFEN_AS_OF\") }}' as as_of, 1 as n",
    "models/second.sql": "{{ config(materialized='table') }}\nselect n + 1 as n from {{ ref('first') }}",
    "models/toy.yml": (
        "models:\n  - name: second\n    columns:\n      - name: n\n        data_tests:\n"
        "          - not_null\n          - accepted_values:\n              arguments: {values: [2]}\n"
        "              config: {severity: warn}\n"
    ),
}


def write_project(root, **changes):
    for name, text in {**PROJECT, **changes}.items():
        path = root / "dbt_project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def one(candidate, query):
    with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchone()[0]


def test_a_build_makes_its_tables_as_of_one_date_then_fails_loudly_and_keeps_the_parse(tmp_path):
    # One test for the whole life of a project: each call of dbt costs some seconds.
    project = write_project(tmp_path / "checkout")
    first = new_candidate(tmp_path, "run-1")
    report = build(first, AS_OF, project)
    assert (report.models, report.tests, report.failed, report.warnings) == (2, 2, (), ())
    assert report.as_dict() == {"counts": {"pass": 2, "success": 2}, "models": 2, "tests": 2, "warned": []}
    assert (one(first, "select as_of from first"), one(first, "select n from second")) == ("2025-06-30", 2)
    cache = kept_parse(tmp_path / "candidates/.parse_cache", project)
    assert cache.is_file()
    # A parse holds the paths of its project, so another checkout never gets it.
    assert not kept_parse(cache.parent, tmp_path / "another").exists()

    # A cache that cannot be read costs time, and nothing else.
    cache.write_bytes(b"not a parse")
    write_project(project, **{"models/first.sql": PROJECT["models/first.sql"].replace("1 as n", "2 as n")})
    second = new_candidate(tmp_path, "run-2")
    report = build(second, date(2025, 7, 1), project)
    assert [note.unique_id.split(".")[2][:15] for note in report.warnings] == ["accepted_values"]
    assert one(second, "select as_of from first") == "2025-07-01"

    write_project(project, **{"models/second.sql": "select cast(null as integer) as n from {{ ref('first') }}"})
    with pytest.raises(BuildError, match=r"not_null_second_n.*Whose: data") as failed:
        build(new_candidate(tmp_path, "run-3"), AS_OF, project)
    assert [note.status for note in failed.value.report.failed] == ["fail"]
    assert str(failed.value.report.log) in str(failed.value)


@pytest.mark.parametrize(
    ("statuses", "exit_code", "said"),
    [
        ({"model.j.a": "success", "test.j.t": "fail"}, 1, r"1 of 2 nodes: test\.j\.t: .*Whose: data"),
        (
            {"model.j.a": "success", "test.j.rules": "fail", "test.j.t": "skipped"},
            1,
            r"1 of 3 nodes: test\.j\.rules: .*Whose: config.*Next: .*`jifen ruleset check`, `jifen run`",
        ),
        ({"model.j.a": "error", "test.j.t": "skipped"}, 1, r"1 of 2 nodes: model\.j\.a: .*Whose: config"),
        ({"model.j.a": "success", "model.j.b": "partial success"}, 1, r"model\.j\.b"),
        ({"model.j.a": "success", "model.j.b": "skipped"}, 0, r"model\.j\.b"),
        ({"seed.j.s": "success", "test.j.t": "pass"}, 0, "no model at all"),
        ({"model.j.a": "success"}, 1, "exit code 1 although no node failed"),
    ],
)
def test_only_a_build_in_which_all_went_well_is_whole(tmp_path, statuses, exit_code, said):
    results = [{"unique_id": node, "status": status, "message": "told"} for node, status in statuses.items()]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    of_rules = {"test.j.rules": {"config": {"meta": {"whose": "config"}}}}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": of_rules}))
    with pytest.raises(BuildError, match=said):
        require_whole(read_results(tmp_path, tmp_path / "build.txt"), exit_code)


def test_a_project_that_does_not_parse_is_an_error(tmp_path):
    project = write_project(tmp_path / "checkout", **{"dbt_project.yml": "name: [broken\n"})
    with pytest.raises(BuildError, match="before it ran a node") as failed:
        build(new_candidate(tmp_path, "run-1"), AS_OF, project)
    assert failed.value.report is None


def test_a_retry_starts_from_an_empty_candidate(tmp_path):
    first = new_candidate(tmp_path, "run-1")
    first.warehouse.write_text("half a warehouse")
    again = new_candidate(tmp_path, "run-1")
    assert sorted(path.name for path in again.path.iterdir()) == ["inputs", "logs", "target"]
    assert again.warehouse.stem == "candidate"


@pytest.mark.parametrize("run_id", ["", "..", "../x", "a/b", ".hidden", "a b"])
def test_a_run_id_that_is_no_plain_name_makes_no_folder(tmp_path, run_id):
    with pytest.raises(ValueError, match="cannot be the name of a folder"):
        new_candidate(tmp_path, run_id)


def test_old_candidates_go_and_the_newest_and_the_parse_cache_stay(tmp_path):
    assert drop_old_candidates(tmp_path, 2) == []
    for age, name in enumerate(["run-d", "run-c", "run-b", "run-a"]):
        path = new_candidate(tmp_path, name).path
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "candidates/.parse_cache").mkdir()
    assert drop_old_candidates(tmp_path, 2) == ["run-b", "run-a"]
    assert sorted(path.name for path in (tmp_path / "candidates").iterdir()) == [".parse_cache", "run-c", "run-d"]
