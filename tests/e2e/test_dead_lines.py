"""Agencies and recipients whose lines die in mid-transfer: the night ends in its budgets, says so, frees the lock."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from ledger.publications import pending
from ledger.tables import deliveries, outbox
from tests.contract.dead_lines import dies_after, server, silence

pytestmark = [pytest.mark.night, pytest.mark.usefixtures("first_night")]

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


def test_recipients_that_die_in_mid_transfer_are_owed_and_sent_the_next_time(installation):
    env, next_day = installation.sandbox.env, installation.as_of + timedelta(days=1)
    with (
        dies_after(int(env["BANK_A_SFTP_PORT"]), up=6000) as bank,
        dies_after(urlsplit(env["POLICY_WEBHOOK_URL"]).port, down=20) as hook,
    ):
        dead = over(installation, BANK_A_SFTP_PORT=bank, POLICY_WEBHOOK_URL=moved(env["POLICY_WEBHOOK_URL"], hook))
        ran = dead.run(next_day)
    assert (ran.code, ran.output["state"]) == (1, "published"), ran.output["message"]
    assert "Not delivered yet" in ran.output["message"]
    for recipient in ("bank_a", "policy_channel"):
        assert recipient in ran.output["message"]
    assert told_of(ran)["bank_a.loans"]["whose"] == "transient"
    assert installation.inbox(".tar.gpg") == []
    assert [row["recipient"] for row in pending(installation.ledger, deliveries)] == ["bank_a"]
    assert {row["recipient"] for row in pending(installation.ledger, outbox)} == {"policy_channel"}
    again = installation.run(next_day)
    assert again.code == 0, again.output["message"]
    assert len(installation.inbox(".tar.gpg")) == 1
    assert installation.inbox(".part") == []
    # The number that was composed and did not arrive is named, with the hash by which the bank would know it.
    manifest = json.loads(installation.packages()[0]["manifest.json"])
    assert [gap["number"] for gap in manifest["gaps"]] == [manifest["number"] - 1]
    assert manifest["gaps"][0]["manifest_sha256"]
    # The channel had taken the first notice, though its answer was lost: every repeat of it is known by its id.
    told = [ran.output["edition_id"], again.output["edition_id"]]
    assert sorted({one["event"]["data"]["edition_id"] for one in installation.events()}) == sorted(told)
    assert pending(installation.ledger, outbox) == pending(installation.ledger, deliveries) == []
