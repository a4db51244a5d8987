"""A package to each of twelve banks: seconds and MB/s by stage, beside gpg alone and the disk alone, and peak memory.

Each of the scored enterprises consents to each bank by a fixed chance. Every bank's package goes the product's own way:
rows by consent, CSV and manifest, sealed by gpg, left by SFTP at a server on loopback in a process of its own.
"""

import argparse
import hashlib
import json
import logging
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow.parquet as pq

from cli import sink_test
from connectors.sink_files import ExtractSink, read_sinks
from connectors.zone import Zone
from editions.manifest import describe_file
from editions.sql_text import literal, quoted
from flows import deliver, packages
from flows.night import Night
from ledger.deliveries import queue_due
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.standin.bank import SENDER, key_pair
from tests.contract.small_sftp import connection_of, serve

TABLE = "ext_bank__scores"
MADE_UP = {
    "varchar": "'第' || firm % 100",
    "date": "date '2025-06-30'",
    "boolean": "firm % 2 = 0",
    "bigint": "firm",
    "integer": "firm % 1000",
}
STAGES = ("filter", "file", "pack", "seal", "send")
FORK = multiprocessing.get_context("fork")


def _write_rows(banks: list[str], firms: int, share: float, columns: dict[str, str], path: Path) -> None:
    """The consents of all banks, as the extract holds them."""
    own = {
        **sink_test._CONSENT,
        "recipient": "recipient",
        "purpose": literal("授信评估"),
        "uscc": "'91441300MA' || lpad(cast(firm as varchar), 8, '0')",
        "consent_id": "recipient || firm",
        "enterprise_name": "'惠州市第' || firm || '科技有限公司'",
    }
    made = [
        f"cast({own.get(name) or MADE_UP.get(kind, '(firm * 37 % 10000) / 100.0')} as {kind}) as {quoted(name)}"
        for name, kind in columns.items()
    ]
    names = ", ".join(f"({literal(bank)})" for bank in banks)
    query = f"""
    select {", ".join(made)} from range({firms}) as firms(firm) cross join (values {names}) as banks(recipient)
    where hash(firm, recipient) % 1000 < {share * 1000}
    """  # noqa: S608 - our own words
    with duckdb.connect() as engine:
        engine.execute(f"copy ({query}) to {literal(path)} (format parquet)")


@contextmanager
def _installation(folder: Path, banks: int, firms: int, share: float) -> Iterator[Night]:
    """A store with one edition and a delivery to each bank that waits; the server that they share."""
    server = FORK.Process(target=_serve, args=(folder,), daemon=True)
    server.start()
    while not (folder / "variables").exists():
        time.sleep(0.01)
    (bank,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink) and sink.name == "bank_a"]
    common = {"connection": connection_of(), "folder": "box", "notice": None, "tables": {TABLE: bank.tables[TABLE]}}
    names = [f"bank_{number:02}" for number in range(1, banks + 1)]
    sinks = tuple(bank.model_copy(update={**common, "name": name}) for name in names)
    sealing = sinks[0].sealed
    os.environ |= json.loads((folder / "variables").read_text())
    if sealing:
        os.environ[sealing.signing_key.env] = str(key_pair(folder, SENDER)[0])
        os.environ[sealing.recipient_keys.env] = str(key_pair(folder, "bank")[1])
    settings = Settings(data_dir=folder / "data", _env_file=None)

    def make() -> None:
        def write(_: Any, columns: dict[str, str], path: Path) -> None:
            _write_rows(names, firms, share, columns, path)

        def describe(path: Path, file: str, _: int, audience: str) -> Any:
            return describe_file(path, file, pq.read_metadata(path / file).num_rows, audience)

        with patch.object(sink_test, "_write_rows", write), patch.object(sink_test, "describe_file", describe):
            sink_test._make_edition(sinks[0], settings, open_ledger(settings))

    # Apart: what making the rows takes is no memory of a delivery.
    maker = FORK.Process(target=make)
    maker.start()
    maker.join()
    ledger = open_ledger(settings)
    queue_due(ledger, names, sink_test.EDITION, settings.today.isoformat())
    yield Night("", sink_test.date(2025, 6, 30), settings, ledger, (), sinks, Zone())
    server.terminate()
    server.join()


def _serve(folder: Path) -> None:
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    with serve(folder) as variables:
        (folder / "variables.part").write_text(json.dumps(variables))
        (folder / "variables.part").rename(folder / "variables")
        signal.pause()


def _timed(seconds: Counter[str], stage: str, work: Any) -> Any:
    def run(*words: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return work(*words, **named)
        finally:
            seconds[stage] += time.perf_counter() - began

    return run


def _delivered(night: Night, result: Any) -> None:
    """Deliver to all, each stage timed; in a process of its own, so that its memory is its own."""
    seconds: Counter[str] = Counter()
    # The filter reads the rows as the file asks for them: here is what it took to judge the consents.
    parts = {"filter": "cut_tables", "file": "_table_files", "pack": "pack", "seal": "sealed"}
    for stage, name in parts.items():
        setattr(packages, name, _timed(seconds, stage, getattr(packages, name)))
    deliver.leave = _timed(seconds, "send", deliver.leave)
    packages.require_sealed = _timed(seconds, "verify", packages.require_sealed)
    began = time.perf_counter()
    lines = deliver.deliver_pending(night)
    seconds["all"] = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    failed = [line["error"] for line in lines if line["state"] != "sent"]
    rows = sum(line.get("rows", 0) for line in lines)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    result.send((dict(seconds), rows, usage.ru_maxrss // 1024, children, failed))


def _limits(night: Night, folder: Path) -> tuple[int, float, float, float]:
    """Bytes of all packages before sealing, and seconds of gpg, of the disk and of SHA-256 alone over one of them."""
    files = list((night.settings.data_dir / "deliveries").rglob("*.gpg"))
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--trust-model", "always", "--yes"]
    for key in (key_pair(folder, SENDER)[0], key_pair(folder, "bank")[1], key_pair(folder, "bank")[0]):
        subprocess.run([*gpg, "--import", str(key)], check=True, capture_output=True)
    plain = folder / "plain.tar"
    subprocess.run([*gpg, "--output", str(plain), "--decrypt", str(files[0])], check=True, capture_output=True)
    command = [*gpg, "--rfc4880", "--cipher-algo", "AES256", "--compress-algo", "none", "--sign", "--encrypt"]
    began = time.perf_counter()
    subprocess.run([*command, "-r", "bank", "-u", "zone", "-o", str(folder / "sealed"), str(plain)], check=True)
    sealing = time.perf_counter() - began
    content = plain.read_bytes()
    began = time.perf_counter()
    with (folder / "disk").open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    disk = time.perf_counter() - began
    began = time.perf_counter()
    hashlib.sha256(content).digest()
    return len(content), sealing, disk, time.perf_counter() - began


def measure(firms: int, banks: int, share: float) -> None:
    """Print the table of one size."""
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as name, _installation(Path(name), banks, firms, share) as night:
        ours, theirs = FORK.Pipe(duplex=False)
        night.ledger.dispose()
        process = FORK.Process(target=_delivered, args=(night, theirs))
        process.start()
        seconds, rows, peak, gpg_peak, failed = ours.recv()
        process.join()
        if failed:
            raise SystemExit(failed[0])
        size, gpg, disk, sha256 = _limits(night, Path(name))
        total = size * banks / 1e6
        say(f"{firms:,} enterprises, {banks} banks, {rows:,} rows, {total:,.0f} MB before sealing; ")
        say(f"{seconds['all']:.1f} s in all; peak {peak:,} MB, of gpg {gpg_peak:,} MB\n")
        say("stage      s      MB/s\n")
        for stage in ("verify", *STAGES):
            spent = seconds.get(stage, 0.0) - (seconds.get("verify", 0.0) if stage == "filter" else 0.0)
            say(f"{stage:8} {spent:6.1f} {total / spent if spent else 0:8.0f}\n")
        for what, spent in (("gpg alone", gpg), ("disk alone", disk), ("SHA-256", sha256)):
            say(f"{what:10} {'':4} {size / 1e6 / spent:8.0f}\n")


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("firms", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--banks", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.25, help="which part of the enterprises consents to a bank")
    asked = parser.parse_args()
    for firms in asked.firms:
        measure(firms, asked.banks, asked.share)


if __name__ == "__main__":
    main()
