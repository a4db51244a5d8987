"""Deliveries under seeded faults: a fixed sample of the sweep, and that the sweep finds what it looks for."""

import tempfile
from pathlib import Path

import pytest

from connectors.drivers import sftp
from flows import receive
from ledger.files import opened
from tests import delivery_sweep


@pytest.fixture
def swept(monkeypatch):
    """A sweep whose variables and folder are gone after it."""

    def run(count, **options):
        with tempfile.TemporaryDirectory(prefix="sweep-") as folder, monkeypatch.context() as patch:
            patch.setattr(tempfile, "tempdir", folder)
            for name in ("TMPDIR", "SMALL_HOST"):
                patch.setenv(name, folder)
            return delivery_sweep.sweep(Path(folder), count, processes=1, **options)

    return run


def test_nothing_is_half_lost_or_loaded_twice_and_each_gap_and_wrong_total_is_found(swept):
    found = swept(40, sealed=0.5, days=20)
    assert found.findings == []
    assert set(found.faults) >= set(delivery_sweep.AT_THE_SERVER)
    assert (found.kills > 0, found.refused_as_gap > 0, found.refused_as_altered > 0) == (True, True, True)
    assert found.sealed > 15


@pytest.mark.skipif(not delivery_sweep.OPENSSH, reason="OpenSSH's sftp-server is not installed")
def test_openssh_as_the_bank_gets_them_all_too(swept, monkeypatch):
    monkeypatch.setattr(delivery_sweep, "TRANSPORTS", ("openssh",))
    monkeypatch.setattr(delivery_sweep, "FAULTY", 1.0)
    found = swept(12, sealed=0, days=12)
    assert found.findings == []
    assert (found.by_transport["openssh"] > 10, found.faults["cut"], found.faults["rename refused"]) == (True, 1, 1)
    monkeypatch.setattr(sftp, "_leave", _under_its_own_name)
    assert "was opened under its final name" in str(swept(3, sealed=0, days=3).findings)


async def _under_its_own_name(client, target, content, _):
    async with client.open(str(target), "wb") as handle:
        await handle.write(opened(content).read())


@pytest.mark.parametrize(
    ("where", "what", "spoilt", "told"),
    [
        (sftp, "_leave", _under_its_own_name, "was opened under its final name"),
        (receive, "_is_new", lambda *_: True, "UNIQUE constraint failed"),
        (sftp, "push", lambda *_: [], "was sent and is lost"),
    ],
)
def test_the_sweep_finds_a_half_file_a_second_load_and_a_loss(swept, monkeypatch, where, what, spoilt, told):
    monkeypatch.setattr(where, what, spoilt)
    monkeypatch.setattr(delivery_sweep, "FAULTS", ("given",))
    monkeypatch.setattr(delivery_sweep, "FAULTY", 1.0)
    assert told in str(swept(3, sealed=0, days=3).findings)
