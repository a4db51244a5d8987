"""Agencies and recipients whose lines die in mid-transfer: the night ends in its budgets, says so, frees the lock."""

import json
import tarfile
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from flows import publish, recipe, relay
from ledger.publications import pending
from ledger.tables import deliveries, outbox
from sandbox.start import Sandbox
from tests import small_night
from tests.contract.dead_lines import dies_after, server, silence
from tests.e2e.installation import Installation
from tests.unit.small_edition import make_candidate

pytestmark = pytest.mark.night

BUDGET = 2


def over(installation, **variables):
    """The same installation, with other values of these variables, and small budgets."""
    small = {"JIFEN_RETRY_SECONDS": str(BUDGET), "JIFEN_REQUEST_TIMEOUT_SECONDS": "1"}
    env = {**installation.sandbox.env, **small, **{name: str(value) for name, value in variables.items()}}
    return replace(installation, sandbox=replace(installation.sandbox, env=env))


def moved(url, port):
    return urlsplit(url)._replace(netloc=f"127.0.0.1:{port}").geturl()


def told_of(ran):
    return {f"{one['source']}.{one['dataset']}": one for one in ran.output["report"]["pulled"]}


@pytest.mark.usefixtures("first_night")
def test_agencies_that_die_in_mid_transfer_hold_up_nothing_but_themselves(installation):
    env = installation.sandbox.env
    with (
        dies_after(urlsplit(env["TAX_BASE_URL"]).port, down=20_000) as tax,
        dies_after(int(env["TALENT_SFTP_PORT"]), down=20_000) as talent,
        server(silence) as register,
    ):
        dead = over(
            installation,
            TAX_BASE_URL=moved(env["TAX_BASE_URL"], tax),
            TALENT_SFTP_PORT=talent,
            SCIENCE_DATABASE_URL=f"postgresql+psycopg://zone:made-up@127.0.0.1:{register}/register",
        )
        before, began = installation.current, time.monotonic()
        ran = dead.run()
        took = time.monotonic() - began
    assert (ran.code, ran.output["state"]) == (4, "source_missing")
    told = told_of(ran)
    for address in ("tax.statements", "talent.headcounts", "science.technology_contracts"):
        assert (told[address]["state"], told[address]["whose"]) == ("failed", "transient"), told[address]
    assert {one["state"] for address, one in told.items() if address.startswith("patent.")} == {"unchanged"}
    assert installation.current == before
    # Of one source, datasets are waited for one after the other at worst.
    assert took < len(told) * (BUDGET + 2) + 60
    assert installation.run().code == 0, "the lock is free, and nothing is missing any more"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """An installation whose nights are small, and one of its nights over other variables."""
    for module, names in ((recipe, "read_sources read_sinks moved rules_sha256 Dbt"), (publish, "code_of")):
        for name in names.split():
            monkeypatch.setattr(module, name, getattr(module, name))
    small_night.put_in_force()
    monkeypatch.setattr(relay, "WAITS_SECONDS", (1,) * len(relay.WAITS_SECONDS))
    recipe.read_sinks = lambda: [sink for sink in small_night.sinks() if sink.name != "operators"]
    state = tmp_path / "state"
    with small_night.receiving(state) as env:
        around = Sandbox(state, None, env, small_night.SECOND)
        for box in ("inbox", "returns"):
            (state / "sftp" / "bank_a" / box).mkdir()

        def run(day, number, **variables):
            small_night.deliver_files(state / "files", number)
            built = lambda of, _: (  # noqa: E731
                make_candidate(of.settings.data_dir, of.run_id, small_night.facts(day, number)),
                small_night.built(),
            )
            steps = replace(recipe.PLAIN_STEPS, build=built, gate=small_night.pass_gate)
            with over(installation, **variables).in_force():
                return recipe.run_night(installation.settings, day, "plain", steps)

        installation = Installation(tmp_path / "data", around)
        yield installation, run


def test_recipients_that_die_in_mid_transfer_are_owed_and_sent_the_next_time(small):
    installation, run = small
    env, day = installation.sandbox.env, small_night.SECOND
    with (
        dies_after(int(env["SMALL_PORT"]), up=3000) as bank,
        dies_after(urlsplit(env["SMALL_URL"]).port, down=20) as hook,
    ):
        ran = run(day, 0, SMALL_PORT=bank, SMALL_URL=moved(env["SMALL_URL"], hook))
    assert (ran.exit_code, ran.state) == (1, "published"), ran.message
    assert "Not delivered yet" in ran.message
    for recipient in ("bank_a", "policy_channel"):
        assert recipient in ran.message
    assert installation.inbox(".tar") == []
    assert [row["recipient"] for row in pending(installation.ledger, deliveries)] == ["bank_a"]
    assert {row["recipient"] for row in pending(installation.ledger, outbox)} == {"policy_channel"}
    again = run(day, 1)
    assert (again.exit_code, again.state) == (0, "published"), again.message
    (package,) = installation.inbox(".tar")
    assert installation.inbox(".part") == []
    # The number that was composed and did not arrive is named, with the hash by which the bank would know it.
    with tarfile.open(package) as opened:
        manifest = json.load(opened.extractfile("manifest.json"))
    assert [gap["number"] for gap in manifest["gaps"]] == [manifest["number"] - 1]
    assert manifest["gaps"][0]["manifest_sha256"]
    # The channel had taken the first notice, though its answer was lost: every repeat of it is known by its id.
    told = [ran.edition_id, again.edition_id]
    assert sorted({one["event"]["data"]["edition_id"] for one in installation.events()}) == sorted(told)
    assert pending(installation.ledger, outbox) == pending(installation.ledger, deliveries) == []
