"""Checks of the source file, of authentication, and that `source check` and `source plan` write nothing."""

import base64
import hashlib
import os
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from sqlalchemy.engine import make_url

from connectors.check import check_source
from connectors.drivers.auth import MutualTls
from connectors.drivers.pages import Ask
from connectors.plan import plan
from connectors.pull import driver_of
from connectors.spec import DatabaseConnection, FolderConnection, RestConnection, SftpConnection, Source
from connectors.strict import OPEN_FIELDS
from ledger.settings import Settings
from sandbox.acceptance.canaries import secret_variables, tried_variables
from sandbox.acceptance.store import environment, listening, states
from sandbox.acceptance.trial import NotApplicableError, Trial, check, expect

CLOSED_PORT: Final = 9
NOWHERE: Final = "no-such-place"


@check("源文件有效", "spec valid")
def spec_valid(trial: Trial) -> str:
    """A fault in the file must show before anything is sent, also where a program put the source together."""
    again = Source.model_validate(trial.source.model_dump())
    expect(again == trial.source, "the source is another one when it is read again")
    return f"datasets: {len(again.datasets)}, columns: {sum(len(d.columns) for d in again.datasets)}"


@check("密钥只写变量名", "every secret by variable")
def secrets_by_variable(trial: Trial) -> str:
    """A value that stands in the file stands in git."""
    text, named = trial.source.model_dump_json(), secret_variables(trial.source)
    written = [v for v in named.values() if (value := trial.agency.env.get(v)) and len(value) > 4 and value in text]
    expect(not written, f"the source file holds the value of {', '.join(written)}")
    return f"secrets in {', '.join(sorted(named.values()))}" if named else "the connection names no secret"


@check("缺少变量时点名", "a missing variable is named")
def missing_variable_named(trial: Trial) -> str:
    """The message must name the variable for the person who installs the source; and nothing is sent."""
    dataset = trial.datasets[0]
    for variable in trial.source.variables():
        trial.clear_requests()
        with environment({variable: None}), trial.store() as store:
            pulled = store.pull(trial.source, dataset)
        expect(pulled.state == "failed", f"{variable} is not set and {dataset.name} is {pulled.state}")
        expect(pulled.whose == "config", f"{variable} is not set and the fault is called {pulled.whose}")
        expect(variable in (pulled.message or ""), f"{variable} is not set and the message does not name it")
        sent = trial.requests()
        expect(not sent, f"{variable} is not set and {len(sent)} requests were sent")
    return f"{len(trial.source.variables())} variables"


@check("正确密钥可取数", "the good secret answers")
def good_secret_answers(trial: Trial) -> str:
    """All later checks need a pull that succeeds."""
    expect(not (failed := [one for one in trial.healthy.pulled if one.state == "failed"]), states(failed))
    return states(trial.healthy.pulled)


@check("错误密钥明确拒绝", "a wrong secret is refused loudly", "wrong_secrets")
def wrong_secret_refused(trial: Trial) -> str:
    """A refused login must not pass for an agency without records: each variable in turn, and nothing lands."""
    variables = tried_variables(trial.source)
    if not variables:
        raise NotApplicableError(f"driver {trial.source.driver} needs no secret")
    tried, dataset = [], trial.datasets[0]
    for field, variable in variables.items():
        value = _spoilt(trial.source, field, trial.agency.env[variable], trial.settings)
        if value is None:
            continue
        if field not in OPEN_FIELDS:
            trial.wrong.append(value)
        with environment({variable: value}), trial.store() as store:
            pulled = store.pull(trial.source, dataset)
            _keep_traceback(trial)
            expect(pulled.state == "failed", f"{variable} is wrong and {dataset.name} is {pulled.state}")
            expect(pulled.whose in ("config", "agency"), f"{variable} is wrong: {states([pulled])}")
            expect(not store.promoted(dataset), f"{variable} is wrong and a batch of {dataset.name} was promoted")
            tried.append(f"{variable}: {pulled.whose}")
    if not tried:
        raise NotApplicableError("the database needs no password: its address holds no secret")
    return ", ".join(tried)


def _keep_traceback(trial: Trial) -> None:
    """Call the driver once without the core around it and keep the traceback for the search for secrets."""
    dataset = trial.datasets[0]
    ask = Ask(trial.source, dataset, trial.settings, as_of=trial.as_of)
    with listening(trial.output):
        try:
            next(iter(driver_of(trial.source.driver)(ask)), None)
        except Exception:  # noqa: BLE001 - it must fail; its traceback is searched
            trial.output.append(traceback.format_exc())


def _spoilt(source: Source, field: str, value: str, settings: Settings) -> str | None:
    """A wrong value of the right form: another host key, certificate or password; None where nothing is secret."""
    connection = source.connection
    if isinstance(connection, DatabaseConnection):
        parts = urlsplit(value)
        if parts.password is None:
            return None
        return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":wrong-password@")))
    if field == "host_key":
        key = Ed25519PrivateKey.generate().public_key()
        return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    if isinstance(connection, RestConnection) and isinstance(connection.auth, MutualTls):
        return str(_other_pem(field, settings.data_dir / f"other-{field}.pem"))
    return "wrong-" + base64.b32encode(os.urandom(15)).decode().lower()


def _other_pem(field: str, path: Path) -> Path:
    """A PEM file with a self-signed certificate, or with the key of another certificate."""
    key = Ed25519PrivateKey.generate()
    if field == "key":
        form = serialization.PrivateFormat.PKCS8
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return path
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a stranger")])
    began = datetime.now(UTC) - timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, began, began + timedelta(days=9))
    path.write_bytes(built.sign(key, None).public_bytes(serialization.Encoding.PEM))
    return path


@check("错误地址明确报错", "a wrong address is reported as a fault")
def wrong_address_told(trial: Trial) -> str:
    """A folder that is not mounted must not pass for an empty delivery; and no folder is made in its place."""
    variable, value = _nowhere(trial)
    with environment({variable: value}), trial.store() as store:
        store.settings = store.settings.model_copy(update={"retry_seconds": 0.5})
        pulled = store.pull(trial.source, trial.datasets[0])
        expect(pulled.state == "failed", f"{variable} is a wrong address and {pulled.dataset} is {pulled.state}")
        expect(pulled.whose in ("config", "agency", "transient"), f"{variable} is a wrong address: {states([pulled])}")
    made = trial.settings.data_dir / NOWHERE
    expect(not made.exists(), f"{variable} is a wrong address, and a file or folder was made there")
    return f"{variable}: {pulled.whose}"


def _nowhere(trial: Trial) -> tuple[str, str]:
    """The variable of the agency's address, and a value at which nothing answers."""
    connection, gone = trial.source.connection, trial.settings.data_dir / NOWHERE
    match connection:
        case RestConnection():
            scheme = urlsplit(trial.agency.env[connection.base_url.env]).scheme
            return connection.base_url.env, f"{scheme}://127.0.0.1:{CLOSED_PORT}"
        case SftpConnection():
            return connection.port.env, str(CLOSED_PORT)
        case FolderConnection():
            return connection.path.env, str(gone)
        case DatabaseConnection():
            url = make_url(trial.agency.env[connection.url.env])
            lost = url.set(database=str(gone)) if url.host is None else url.set(host="127.0.0.1", port=CLOSED_PORT)
            return connection.url.env, lost.render_as_string(hide_password=False)


@check("检查命令不留痕", "`source check` keeps nothing")
def check_keeps_nothing(trial: Trial) -> str:
    """`source check` must not change the state from which a night resumes."""
    with trial.store() as store:
        store.ledger.dispose()
        before = folder_sha256(store.settings.data_dir)
        found = check_source(trial.source, trial.zone, store.settings)
        trial.output += [repr(line) for line in found]
        expect(folder_sha256(store.settings.data_dir) == before, "checking wrote into the data folder")
    # The check of a child dataset fails before its parent was pulled: it has no parent's values.
    roots = {f"{trial.source.name}.{dataset.name}" for dataset in trial.source.datasets if dataset.parent is None}
    failed = [line for line in found if line["state"] == "failed" and line["dataset"] in roots]
    expect(not failed, "; ".join(f"{line['dataset']}: {line['message']}" for line in failed))
    return "; ".join(f"{line['dataset']} {line['records']} on the first page" for line in found if line["records"])


@check("计划命令不写不发", "`source plan` writes and sends nothing")
def plan_sends_nothing(trial: Trial) -> str:
    """A dry run must be safe on a production system."""
    store = trial.healthy.required()
    before = folder_sha256(store.settings.data_dir)
    trial.clear_requests()
    planned = plan([trial.source], trial.zone, store.settings, trial.as_of)
    trial.output.append(repr(planned))
    expect(folder_sha256(store.settings.data_dir) == before, "the plan wrote into the data folder")
    sent = trial.requests()
    expect(not sent, f"the plan sent {len(sent)} requests")
    expect(len(planned) == len(trial.source.datasets), "the plan leaves a dataset out")
    nowhere = trial.settings.data_dir / "no-data-folder"
    plan([trial.source], trial.zone, store.settings.model_copy(update={"data_dir": nowhere}), trial.as_of)
    expect(not nowhere.exists(), "the plan made a data folder")
    return f"datasets planned: {len(planned)}"


def folder_sha256(folder: Path) -> str:
    """One hash over the names and the bytes of everything in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(folder)} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
