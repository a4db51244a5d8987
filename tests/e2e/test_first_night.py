"""One whole night on the sandbox: what was published, sent and told is what is true."""

import csv
import hashlib
import io
import json
import re
import signal
import subprocess
import time
from collections import Counter
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from connectors.sink_files import read_sinks
from editions.score.export import export_ruleset
from editions.score.ruleset import read_seeds
from ledger.publications import pending, publication_rows, sent_or_pending
from ledger.runs import latest_runs
from ledger.settings import PROJECT_DIR
from ledger.tables import deliveries, denials, outbox
from tests.e2e.installation import opened_by_gpg

pytestmark = pytest.mark.night


@pytest.fixture
def night(first_night):
    return first_night[0]


def test_it_publishes_and_says_so(first_night):
    installation, ran = first_night
    assert ran.code == 0, ran.output
    assert ran.output["state"] == "published"
    assert installation.current.name == ran.output["edition_id"]


def test_the_doctor_finds_nothing_wrong_with_the_installation(night):
    told = night.jifen("doctor").output
    assert {one["name"]: one["found"] for one in told if one["state"] == "wrong"} == {}
    assert {one["name"] for one in told if one["state"] == "ok"} >= {
        "ledger",
        "journal",
        "current_edition",
        "variables",
    }


def test_its_steps_page_figures_and_log_are_there_and_agree(first_night):
    installation, ran = first_night
    report = ran.output["report"]
    steps = {line["step"]: line for line in report["steps"]}
    assert list(steps) == ["pull", "build", "gate", "publish", "deliver", "notify", "returns", "alerts"]
    assert {line["ended"] for line in steps.values()} == {"done"}
    received = sum(one["rows_received"] for one in report["pulled"])
    assert steps["pull"]["counts"]["received"] == received > 0
    assert (steps["deliver"]["counts"]["sent"], steps["notify"]["counts"]["sent"]) == (2, 1)
    (run,) = installation.jifen("runs", "list", "--state", "published").output[-1:]
    assert (run["run_id"], run["rows"]["received"]) == (report["run_id"], received)
    content = (installation.data_dir / "reports" / "latest.html").read_text(encoding="utf-8")
    assert (report["run_id"] in content, "bank_a" in content) == (True, True)
    assert (installation.data_dir / "reports" / report["run_id"] / "gate.html").is_file()
    assert f'href="{report["run_id"]}/gate.html"' in content
    figures = (installation.data_dir / "metrics" / "jifen.prom").read_text(encoding="utf-8")
    assert 'jifen_run_state{state="published"} 1.0' in figures
    lines = (installation.data_dir / "logs" / f"{report['run_id']}.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["step"] for line in lines} >= {"pull", "build", "gate", "deliver"}
    lineage = (installation.data_dir / "logs" / f"{report['run_id']}.openlineage.jsonl").read_text(encoding="utf-8")
    made = {one["name"] for one in json.loads(lineage.splitlines()[-1])["outputs"]}
    assert {"tables.rankings", "extracts.ext_bank__scores"} <= made


def test_every_eligible_enterprise_is_in_the_ranking_and_no_other(night):
    assert sorted(row["uscc"] for row in night.table("rankings")) == sorted(night.truth["eligible"])


def test_every_indicator_of_every_enterprise_is_what_the_sandbox_knows_to_be_true(night):
    points = night.table("points")
    found = {(row["uscc"], row["indicator_code"]): (row["value"], row["supply_status"]) for row in points}
    truth = night.truth
    wrong = {}
    for uscc in truth["eligible"]:
        for code, text in truth["indicators"][uscc].items():
            expected = (None if text is None else Decimal(text), truth["statuses"][uscc][code])
            if found[uscc, code] != expected:
                wrong[uscc, code] = (found[uscc, code], expected)
    assert found.keys() == {(uscc, code) for uscc in truth["eligible"] for code in truth["indicators"][uscc]}
    assert wrong == {}


def test_points_add_up_exactly_and_the_total_says_out_of_how_many(night):
    by_enterprise: dict[str, list] = {}
    for row in night.table("points"):
        by_enterprise.setdefault(row["uscc"], []).append(row)
    for row in night.table("rankings"):
        parts = by_enterprise[row["uscc"]]
        assert row["points_total"] == sum(p["points"] for p in parts if p["points"] is not None)
        assert row["points_available"] == sum(p["points_maximum"] for p in parts if p["points"] is not None)
        assert row["points_total"] <= row["points_available"] <= row["points_maximum"]


def test_ranks_are_competition_ranks_and_peers_stand_beside_them(night):
    ranked = [row for row in night.table("rankings") if row["is_ranked"]]
    scores = [row["score"] for row in ranked]
    for row in ranked:
        assert row["rank_overall"] == 1 + sum(score > row["score"] for score in scores)
        assert row["peers_overall"] == len(ranked)
        peers = [other["score"] for other in ranked if other["stage"] == row["stage"]]
        assert row["rank_in_stage"] == 1 + sum(score > row["score"] for score in peers)
        assert row["peers_in_stage"] == len(peers)


def test_each_planted_bad_record_is_refused_for_its_own_reason(first_night):
    installation, ran = first_night
    expected = Counter()
    for fault in installation.truth["planted"]:
        if fault["expect"] == "quarantined":
            expected[f"{fault['source']}.{fault['dataset']}", fault["reason"]] += 1
    found = Counter()
    for path in (installation.data_dir / "quarantine").rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            refusal = json.loads(line)
            if refusal["action"] == "record_refused":
                found[f"{path.parent.parent.name}.{path.parent.name}", refusal["reason"]] += 1
    assert found == expected
    assert ran.output["report"]["pulled"]


def test_each_name_that_cannot_be_matched_is_on_the_review_list(night):
    listed = {(row["source"], row["dataset"], row["identifier"]) for row in night.table("unmatched_records")}
    planted = [fault for fault in night.truth["planted"] if fault["expect"] == "unmatched"]
    assert planted
    told = json.dumps(sorted(listed), ensure_ascii=False)
    assert [fault for fault in planted if not names_of(fault["sent"], told)] == []


def names_of(record, told):
    """Whether any text of a planted record is on the list, as a whole identifier or as one of joint applicants."""
    texts = [part for value in record.values() if isinstance(value, str) for part in re.split("[；;]", value)]
    return any(json.dumps(text, ensure_ascii=False) in told for text in texts)


def test_the_edition_is_whole_and_its_files_are_what_they_say(night):
    assert night.jifen("edition", "verify").code == 0
    shown = night.jifen("edition", "show").output
    names = {file["path"] for file in shown["manifest"]["files"]}
    assert {"tables/rankings.parquet", "tables/rankings.csv", "tables/reasons.csv", "tables/points.parquet"} <= names
    text = (night.current / "tables" / "rankings.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")


def test_no_cell_of_any_published_table_runs_as_a_formula(night):
    for path in (night.current / "tables").glob("*.csv"):
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        started = [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@")]
        assert started == [], path.name


def test_the_bank_gets_exactly_the_enterprises_that_consented_and_only_its_fields(night):
    (package,) = night.packages()
    (sink,) = [sink for sink in read_sinks() if sink.name == "bank_a"]
    manifest = json.loads(package["manifest.json"])
    consented = set(night.truth["consented"]["bank_a"]) & set(night.truth["eligible"])
    for entry in manifest["files"]:
        rows = list(csv.DictReader(io.StringIO(package[entry["path"]].decode("utf-8-sig"))))
        assert (entry["rows"], entry["bytes"]) == (len(rows), len(package[entry["path"]]))
        assert {row["uscc"] for row in rows} <= consented
        if entry["table"] in sink.tables:
            assert tuple(rows[0]) == sink.tables[entry["table"]].fields
            assert set(entry["left_out"]) == set(sink.tables[entry["table"]].omitted)
    (scores,) = [entry for entry in manifest["files"] if entry["table"] == "ext_bank__scores"]
    assert scores["rows"] == len(consented)
    assert {entry["table"] for entry in manifest["files"]} == {*sink.tables, "notices", "objections"}


def test_the_package_has_a_number_names_its_edition_and_is_sealed(night):
    (package,), (file,) = night.packages(), night.inbox(".tar.gpg")
    manifest = json.loads(package["manifest.json"])
    outside = json.loads(night.inbox(".manifest.json")[0].read_bytes())
    assert (manifest["number"], manifest["follows"], manifest["gaps"]) == (1, None, [])
    assert manifest["edition"]["edition_id"] == night.current.name
    assert outside["manifest_sha256"] == hashlib.sha256(package["manifest.json"]).hexdigest()
    assert (outside["bytes"], outside["is_sealed"]) == (file.stat().st_size, True)
    assert re.fullmatch(r"jifen_bank_a_\d{8}_000001\.tar\.gpg", file.name)
    assert not any(uscc.encode() in file.read_bytes() for uscc in night.truth["eligible"])
    assert list(file.parent.glob(".*")) == []
    for path in (night.data_dir / "deliveries").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_every_denied_consent_is_in_the_ledger_with_its_reason(night):
    sent = sent_or_pending(night.ledger, deliveries, night.current.name)
    assert [(row["recipient"], row["state"]) for row in sent] == [("bank_a", "sent"), ("science_bureau", "sent")]
    planted = [fault for fault in night.truth["planted"] if fault["expect"] == "denied"]
    expected = {
        (fault["record"]["consent_id"], fault["reason"])
        for fault in planted
        if fault["record"]["recipient"] == "bank_a"
    }
    with night.ledger.begin() as connection:
        found = {(row.consent_id, row.reason) for row in connection.execute(select(denials))}
    assert expected
    assert expected <= found
    assert sent[0]["denied"] == len(found)


def test_one_notice_names_the_edition_and_no_enterprise(night):
    (received,) = night.events()
    event = received["event"]
    assert event["specversion"] == "1.0"
    assert event["data"]["edition_id"] == night.current.name
    assert not any(uscc in json.dumps(event) for uscc in night.truth["eligible"])
    decided = [row for row in night.table("policy_decisions") if row["decision"] == "eligible"]
    counts = {one["policy_id"]: (one["eligible"], one["listed"]) for one in event["data"]["policies"]}
    assert sum(eligible for eligible, _ in counts.values()) == len(decided)
    assert sum(listed for _, listed in counts.values()) == sum(row["is_listed"] for row in decided)
    # The first edition follows none, so nothing is new in it.
    assert {one["newly_eligible"] for one in event["data"]["policies"]} == {None}


def test_an_enterprise_can_be_explained_to_the_point(night):
    first = min((row for row in night.table("rankings") if row["is_ranked"]), key=lambda row: row["rank_overall"])
    told = night.jifen("explain", first["uscc"]).output
    codes = [one["indicator_code"] for one in told["indicators"]]
    assert sorted(codes) == sorted(night.truth["indicators"][first["uscc"]])
    assert sum(Decimal(one["points"]) for one in told["indicators"] if one["points"]) == first["points_total"]
    assert all(one["reason_zh"] and one["reason_en"] for one in told["indicators"])


def test_run_again_with_nothing_new_makes_no_second_edition_delivery_or_notice_and_tells_no_agency_twice(installation):
    before = (
        publication_rows(installation.ledger),
        [path.stat().st_mtime_ns for path in installation.inbox("")],
        installation.current,
    )
    ran = installation.run()
    assert (ran.code, ran.output["state"]) == (0, "nothing_new"), ran.output["message"]
    assert "build" not in {line["step"] for line in ran.output["report"]["steps"]}
    assert (
        publication_rows(installation.ledger),
        [p.stat().st_mtime_ns for p in installation.inbox("")],
        installation.current,
    ) == before
    assert installation.events() == []
    assert pending(installation.ledger, deliveries) == pending(installation.ledger, outbox) == []
    assert latest_runs(installation.ledger)[0]["driver"] == "plain"
    assert ran.output["report"]["returns_sent"] == []
    assert [line["state"] for line in ran.output["report"]["returns"]].count("pending") == 0


def test_what_every_product_and_policy_says_of_an_enterprise_can_be_asked(night):
    uscc = next(row["uscc"] for row in night.table("product_offers") if row["decision"] == "eligible")
    told = night.jifen("programme", "show", uscc).output
    assert {row["product_id"] for row in told["product_offers"]} == {
        row["product_id"] for row in night.table("product_offers")
    }
    assert all(row["gap"] is not None for row in told["failed_conditions"] if not row["is_not_known"] and row["number"])
    posted = next(row["uscc"] for row in night.table("need_offers") if row["fit"] == "match")
    told = night.jifen("programme", "show", posted).output
    assert {row["need_no"] for row in told["need_offers"]} <= {row["need_no"] for row in told["need_states"]}
    assert all((row["place"] is None) is (row["fit"] != "match") for row in told["need_offers"])
    assert night.jifen("programme", "show", "91441300MA00000000").code == 1
    assert "has none before it" in str(night.jifen("programme", "changes").output)
    same = night.jifen("programme", "changes", "--since", night.current.name)
    assert (same.code, same.output["changes"]) == (0, [])
    assert night.jifen("programme", "check").code == 0


def test_a_proposal_is_tried_beside_today_and_publishes_nothing(night, tmp_path):
    rules, terms, out = tmp_path / "heavier-patents", tmp_path / "terms", tmp_path / "new" / "out"
    export_ruleset(read_seeds(PROJECT_DIR / "dbt_project", "zhongkai-2024"), rules)
    weights = (rules / "weights.csv").read_text(encoding="utf-8")
    swapped = weights.replace("C01,growth,8,", "C01,growth,4,").replace("C05,growth,9,", "C05,growth,13,")
    (rules / "weights.csv").write_text(swapped, encoding="utf-8")
    terms.mkdir()
    lines = (PROJECT_DIR / "dbt_project" / "seeds" / "programme" / "rewards.csv").read_text(encoding="utf-8")
    (terms / "rewards.csv").write_text(lines.replace("model enterprise,10,", "model enterprise,12,"), encoding="utf-8")

    editions = sorted(path.name for path in night.current.parent.iterdir())
    killed = night.start("simulate", "--out", str(out), "--parameters", str(terms), TMPDIR=str(tmp_path))
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("jifen-simulate-*/candidates/today/logs/build.txt")) and time.monotonic() < deadline:
        time.sleep(0.1)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL, "killed before it was done"
    assert not out.parent.exists()
    told = night.jifen("simulate", "--out", str(out), "--ruleset", str(rules), "--parameters", str(terms)).output
    assert sorted(path.name for path in night.current.parent.iterdir()) == editions
    zone = next(row for row in told["groups"] if row["field"] == "zone")
    assert zone["enterprises"] == len(night.truth["eligible"])
    assert zone["gains"] > 0 < zone["loses"]
    stages = {row["value"]: row for row in told["groups"] if row["field"] == "stage"}
    assert sum(row["gains"] for row in stages.values()) == zone["gains"]
    places = {row["item_id"]: (row["open_today"], row["open_proposed"]) for row in told["items"]}
    assert places["model-enterprise"] == (10, 12)
    today = {row["uscc"]: row["rank_overall"] for row in night.table("rankings")}
    with (out / "enterprises.csv").open(encoding="utf-8", newline="") as handle:
        assert {
            row["uscc"]: (row["rank_today"] and int(row["rank_today"])) or None for row in csv.DictReader(handle)
        } == today
    checked = subprocess.run(["/usr/bin/env", "sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out, check=False)
    assert checked.returncode == 0
    assert "<script" not in (out / "page.html").read_text(encoding="utf-8")
    again = night.jifen("simulate", "--out", str(out), "--parameters", str(terms))
    assert again.code == 1
    assert "is there already" in str(again.output)


def test_the_bureau_gets_whole_tables_by_its_office_over_https(night):
    box, keys = night.sandbox.state / "https" / "science_bureau" / "inbox", night.sandbox.state / "openpgp"
    (package,) = [path for path in box.iterdir() if path.name.endswith(".tar.gpg")]
    files = opened_by_gpg(package, keys / "science_bureau.secret.asc", keys / "zone.asc")
    manifest = json.loads(files["manifest.json"])
    assert (manifest["grant"], manifest["data_classes"]) == ("mandate", ["score", "credit", "subsidy"])
    rows = {entry["table"]: entry["rows"] for entry in manifest["files"]}
    assert rows.pop("objections") == 0
    assert rows == {
        name: pq.read_metadata(night.current / "tables" / f"{name}.parquet").num_rows
        for name in ("rankings", "restrictions", "subsidy_pay_list")
    }
    assert min(rows.values()) > 0
