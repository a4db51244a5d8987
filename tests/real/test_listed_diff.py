"""Three editions of real companies, of 2019, 2020 and 2021: what moved each is split by cause, and the parts add up."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pyarrow.parquet as pq
import pytest

from flows.diff import diff
from flows.recipe import judge
from sandbox.start import start
from tests.e2e.installation import Installation

pytestmark = [pytest.mark.real, pytest.mark.night, pytest.mark.sweep]

YEARS = (2019, 2020, 2021)


FIGURES = ("yysr", "yycb", "yffy", "jlr", "ldzchj", "fldzchj", "ldfzhj", "fldfzhj")
UNKNOWN = "-1.0"
"""How the real population marks a figure that is not known."""


def as_filed_by(year, lines):
    """The statements with no figure that was filed for a later year."""
    records = [json.loads(line) for line in lines]
    for record in records:
        if int(record["ssnd"]) > year:
            record.update(dict.fromkeys(FIGURES, UNKNOWN))
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def passed(night, candidate):
    """The gate's verdict, but for its last word.

    It rightly blocks an edition of 2019: there is no growth yet, so fewer points can be assessed than a rank needs. And
    a year lies between these editions, not a night. What is looked at here is how they are compared.
    """
    return replace(judge(night, candidate), state="passed")


def publish(installation, day):
    """One edition; what the change budget holds is a new year's figures, and is let in."""
    ran = installation.run(day)
    if installation.jifen("source", "held").output:
        why = "the annual reports of a year are in"
        assert installation.jifen("source", "accept", "tax.statements", "--why", why, "--by", "li").code == 0
        ran = installation.run(day)
    assert ran.output["state"] == "published", ran.output["message"]
    return ran.output["edition_id"]


@pytest.fixture(scope="module")
def three(real_data, tmp_path_factory):
    """The installation, and its editions of the three years."""
    monkeypatch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("listed")
    with start("listed", folder / "sandbox", real_data) as sandbox:
        statements = sandbox.state / "tax" / "statements.jsonl"
        lines = statements.read_text(encoding="utf-8").splitlines()
        installation, ids = Installation(folder / "data", sandbox), []
        monkeypatch.setattr("flows.recipe.judge", passed)
        for year in YEARS:
            statements.write_text(as_filed_by(year, lines), encoding="utf-8")
            ids.append(publish(installation, date(year + 1, 6, 30)))
        monkeypatch.undo()
        yield installation, ids


@pytest.fixture(scope="module")
def installation(three):
    return three[0]


def rankings(installation, edition_id):
    rows = pq.read_table(installation.data_dir / "editions" / edition_id / "tables" / "rankings.parquet").to_pylist()
    return {row["uscc"]: row for row in rows}


@pytest.fixture(scope="module")
def diffs(three):
    """The diff of each edition with the next, and of the first with the last."""
    installation, ids = three
    with installation.in_force():
        return [diff(installation.settings, then, now) for then, now in [*pairwise(ids), (ids[0], ids[-1])]]


def test_the_parts_of_every_company_are_the_whole_of_what_moved(installation, diffs):
    for found in diffs:
        then, now = rankings(installation, found.then), rankings(installation, found.now)
        sums = {code: [Decimal(0), Decimal(0), 0] for code in then.keys() | now.keys()}
        for row in found.table.to_pylist():
            for place, name in enumerate(("points", "score", "places")):
                sums[row["uscc"]][place] += row[name] or 0
        for code, (points, score, places) in sums.items():
            before, after = then.get(code, {}), now.get(code, {})
            assert points == (after.get("points_total") or 0) - (before.get("points_total") or 0), code
            assert score == (after.get("score") or 0) - (before.get("score") or 0), code
            if before.get("rank_overall") and after.get("rank_overall"):
                assert places == before["rank_overall"] - after["rank_overall"], code
        assert len(sums) >= 300


def test_each_cause_is_told_and_nothing_is_built_that_need_not_be(diffs):
    for found in diffs:
        names = [cause.name for cause in found.causes]
        assert names[:2] == ["date", "data:tax"], names
        assert found.builds == len(names) - 1
        told = Counter(row["cause"] for row in found.table.to_pylist())
        assert told["data:tax"] > 100
    assert Counter(row["cause"] for row in diffs[1].table.to_pylist())["others"] > 100


def test_a_company_reads_what_each_cause_did(three):
    installation, ids = three
    # The night that the change budget held published an edition too, of last year's figures.
    parent = json.loads((installation.current / "manifest.json").read_bytes())["parent"]
    with installation.in_force():
        found = diff(installation.settings, parent, ids[-1])
    rows = found.table.to_pylist()
    # Of last year's figures nobody was ranked, so points moved and no places.
    code = next(row["uscc"] for row in rows if row["cause"] == "data:tax" and row["score"])
    told = installation.jifen("explain", code).output["previous"]
    assert (told["edition_id"], told["causes"]) == (parent, [cause.name for cause in found.causes])
    told_of = [(row["cause"], row["score"]) for row in told["split"]]
    assert told_of == [(row["cause"], str(row["score"])) for row in rows if row["uscc"] == code]
