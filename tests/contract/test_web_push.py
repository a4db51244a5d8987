"""Files left over HTTPS: to Apache's WebDAV and an S3 server, both as they are, and to a folder of bad manners."""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from cli import sink_test
from connectors.drivers import web
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.sink_files import ExtractSink, HttpsConnection, S3Connection, read_sinks
from ledger.settings import Settings
from sandbox.standin.web_folder import WebFolder, serve_folder

FILES = [("scores.csv", b"uscc,score\n" * 2000), ("scores.csv.manifest.json", b"{}\n")]
BASIC = {"kind": "basic", "user": {"env": "BOX_USER"}, "password": {"env": "BOX_PASSWORD"}}
DAV = HttpsConnection.model_validate({"url": {"env": "BOX_URL"}, "auth": BASIC, "ca": {"env": "BOX_CA"}})
KEYS = {"bucket": {"env": "BOX_BUCKET"}, "access_key": {"env": "BOX_ACCESS"}, "secret_key": {"env": "BOX_SECRET"}}
S3 = S3Connection.model_validate({"url": {"env": "BOX_URL"}, **KEYS, "ca": {"env": "BOX_CA"}})


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(port)


@contextmanager
def running(command, port, **options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {root}/pid
ErrorLog {root}/error.log
{load}
SSLEngine on
SSLCertificateFile {tls}/cert.pem
SSLCertificateKeyFile {tls}/key.pem
SSLSessionCache none
Mutex file:{root}
DocumentRoot {root}/www
DavLockDB {root}/lock
<Directory {root}/www>
  Dav On
  AuthType Basic
  AuthName box
  AuthUserFile {root}/users
  Require valid-user
</Directory>
"""
MODULES = "mpm_event authn_core authn_file authz_core authz_user auth_basic dav dav_fs socache_shmcb ssl"


@pytest.fixture(scope="module")
def apache(certificate):
    """Apache's own WebDAV with a password; answers the variables and the folder behind it."""
    if shutil.which("apache2") is None:
        pytest.fail("apache2 is not installed: apt-get install apache2")
    # Not below pytest's folder, which is for its owner alone: started by root, Apache works as another user.
    with TemporaryDirectory(prefix="jifen-apache-") as folder:
        root, port = Path(folder), free_port()
        for path in (root, root / "www", root / "www" / "box"):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        load = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split())
        user = "" if os.getuid() else "User www-data\nGroup www-data\n"
        (root / "conf").write_text(user + APACHE.format(port=port, root=root, tls=certificate, load=load))
        known = base64.b64encode(hashlib.sha1(b"made-up-password").digest()).decode()  # noqa: S324 - as Apache keeps it
        (root / "users").write_text(f"zone:{{SHA}}{known}\n")
        with running(["apache2", "-d", folder, "-f", str(root / "conf"), "-DFOREGROUND"], port):
            account = {"BOX_USER": "zone", "BOX_PASSWORD": "made-up-password"}
            yield {"BOX_URL": f"https://localhost:{port}", "BOX_CA": str(certificate / "ca.pem"), **account}


@pytest.fixture(scope="module")
def store(certificate):
    """A real S3 server that knows one account and checks its signatures; answers the variables."""
    port = free_port()
    url = f"https://localhost:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), "-s"]
    command += ["-c", str(certificate / "cert.pem"), "-k", str(certificate / "key.pem")]
    with running(command, port, env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}):
        import boto3

        options = {"endpoint_url": url, "verify": str(certificate / "ca.pem"), "region_name": "us-east-1"}
        options |= {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        iam = boto3.client("iam", **options)
        iam.create_user(UserName="zone")
        key = iam.create_access_key(UserName="zone")["AccessKey"]
        rights = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
        iam.put_user_policy(UserName="zone", PolicyName="all", PolicyDocument=rights)
        boto3.client("s3", **options).create_bucket(Bucket="bank")
        yield {
            "BOX_URL": url,
            "BOX_CA": str(certificate / "ca.pem"),
            "BOX_BUCKET": "bank",
            "BOX_ACCESS": key["AccessKeyId"],
            "BOX_SECRET": key["SecretAccessKey"],
        }


@pytest.fixture
def reach(monkeypatch, tmp_path):
    """Set variables, and leave files at a connection; answers what was written."""

    def run(variables, connection, files=FILES, hosts="localhost"):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings = Settings(data_dir=tmp_path, retry_seconds=8, channel_hosts=hosts, _env_file=None)
        return web.push(connection, "box", files, "bank", settings), settings

    return run


@pytest.mark.parametrize(("server", "connection"), [("apache", DAV), ("store", S3)])
def test_files_are_left_whole_once_and_read_again_and_another_one_is_never_replaced(
    request, reach, server, connection, monkeypatch
):
    variables = request.getfixturevalue(server)
    monkeypatch.setattr(web, "PIECE_BYTES", 4000)
    in_pieces, put = [], web._are_put
    monkeypatch.setattr(web, "_are_put", lambda *given: in_pieces.append(put(*given)) or in_pieces[-1])
    written, settings = reach(variables, connection)
    assert written == [name for name, _ in FILES]
    assert in_pieces == ([True] if server == "apache" else [])
    assert reach(variables, connection)[0] == []
    names = {"scores.csv", "scores.csv.manifest.json", "none.ack.json"}
    assert web.fetch(connection, "box", names, "bank", settings) == sorted(FILES)
    with pytest.raises(AgencyError, match=r"another box/scores\.csv is there"):
        reach(variables, connection, [("scores.csv", b"other")])
    assert web.fetch(connection, "box", {"scores.csv"}, "bank", settings) == [FILES[0]]


def test_who_is_not_known_or_may_not_is_told(reach, apache, store):
    with pytest.raises(AgencyError, match=r"refuses to PUT .* \(401: it rejects our credentials"):
        reach({**apache, "BOX_PASSWORD": "wrong"}, DAV, [("b.csv", b"b")])
    settings = Settings(retry_seconds=8, channel_hosts="localhost", _env_file=None)
    with pytest.raises(AgencyError, match=r"does not let us read box/a\.ack\.json"):
        web.fetch(DAV, "box", {"a.ack.json"}, "bank", settings)
    with pytest.raises(AgencyError, match=r"refuses to PUT .* \(403: the account may not"):
        reach({**store, "BOX_SECRET": "wrong"}, S3, [("b.csv", b"b")])


def test_an_address_inside_the_house_and_one_without_tls_are_refused(reach, apache):
    with pytest.raises(ConfigError, match="loopback: messages do not go there"):
        reach(apache, DAV, hosts="")
    for url in ("http://localhost", "https://bank..example", "https://bank.example:70000", "https://a b"):
        with pytest.raises(ConfigError, match="BOX_URL holds no https address"):
            reach({**apache, "BOX_URL": url}, DAV)


def test_an_authority_that_is_not_the_named_one_is_refused(reach, apache, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with pytest.raises(AgencyError, match="its certificate is not one we trust"):
        reach({**apache, "BOX_CA": str(tmp_path / "other.pem")}, DAV)


@pytest.fixture
def rude(tmp_path, reach):
    """Leave files in a folder of a stand-in that is rude in one way; answers what was written."""

    def run(connection=DAV, files=FILES, **ways):
        (tmp_path / "www" / "bank" / "box").mkdir(parents=True, exist_ok=True)
        root = tmp_path / "www" / ("bank" if connection is DAV else "")
        with serve_folder(root, tmp_path / "tls", type("Rude", (WebFolder,), ways)) as told:
            names = ("BOX_USER", "BOX_PASSWORD", "BOX_ACCESS", "BOX_SECRET")
            variables = {"BOX_URL": told["url"], "BOX_CA": told["ca"], **dict.fromkeys(names, "x")}
            return reach({**variables, "BOX_BUCKET": "bank"}, connection, files)[0]

    run.box = tmp_path / "www" / "bank" / "box"
    return run


def test_a_line_that_is_cut_goes_on_behind_what_is_there(rude, monkeypatch):
    monkeypatch.setattr(web, "PIECE_BYTES", 1000)
    content, begun, came = os.urandom(10_000), [], []

    def keep(self, path, body):
        WebFolder.keep(self, path, body)
        begun.append(self.headers.get("Content-Range", ""))
        came.append(len(body))
        if len(came) in (4, 7):
            self.close_connection = True
            raise ConnectionAbortedError

    def handle(self):
        try:
            super(WebFolder, self).handle()
        except ConnectionAbortedError:
            self.connection.close()

    assert rude(files=[("a", content)], keep=keep, handle=handle) == ["a"]
    assert (rude.box / "a").read_bytes() == content
    assert sum(came) == len(content)
    assert [one.partition(" ")[2].partition("-")[0] for one in begun] == [str(n) for n in range(0, 10_000, 1000)]


def spoil(self, path, body):
    WebFolder.keep(self, path, body[:-1] + b"\0")


def no_room(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    self.answer(507)


def busy(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    self.answer(503)


def not_here(self):
    self.answer(403)


def skewed(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    self.answer(403, b"<?xml version='1.0'?><Error><Code>RequestTimeTooSkewed</Code></Error>")


@pytest.mark.parametrize("connection", [DAV, S3])
@pytest.mark.parametrize(
    ("ways", "error", "told"),
    [
        ({"keep": spoil}, AgencyError, "kept other bytes"),
        ({"do_PUT": no_room}, AgencyError, "there is no room"),
        ({"do_PUT": busy}, TransientError, "the recipient answers 503"),
        ({"do_PUT": not_here}, AgencyError, "the account may not"),
        ({"do_PUT": skewed}, AgencyError, "403: the account may not, RequestTimeTooSkewed"),
    ],
)
def test_what_goes_wrong_is_told_and_nothing_half_stays(rude, connection, ways, error, told):
    with pytest.raises(error, match=told):
        rude(connection, **ways)
    assert list(rude.box.iterdir()) == []


def page(self):
    self.rfile.read(int(self.headers.get("Content-Length") or 0))
    self.answer(200, b"<!DOCTYPE html><title>login</title>")


def packs(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    self.send_response(201)
    self.send_header("Content-Encoding", "br")
    self.end_headers()


def refuses_move(status, when=lambda _: True):
    return lambda self: self.answer(status) if when(self.headers["Destination"]) else WebFolder.do_MOVE(self)


def knows_no_condition(self):
    if "If-None-Match" not in self.headers:
        return WebFolder.do_PUT(self)
    self.rfile.read(int(self.headers["Content-Length"]))
    return self.answer(501)


def thanks(self):
    body = self.rfile.read(int(self.headers["Content-Length"]))
    self.keep(self.path_of(self.path), body)
    self.answer(200, b"<html>Saved.</html>")


def copies(self):
    shutil.copy(self.path_of(self.path), self.path_of(self.headers["Destination"]))
    self.answer(201)


HIDDEN = {"do_GET": not_here, "do_HEAD": not_here}


@pytest.mark.parametrize(
    ("connection", "ways", "told"),
    [
        (S3, {"do_PUT": page, **HIDDEN}, "a page of HTML, perhaps of a login"),
        (DAV, {"do_PUT": page, **HIDDEN}, "a page of HTML, perhaps of a login"),
        (DAV, {"do_MOVE": page}, "a page of HTML, perhaps of a login"),
        (DAV, {"do_PUT": packs}, "packed with br"),
        (DAV, {"do_MOVE": refuses_move(201)}, "says that it renamed .* and it did not"),
        (DAV, {"do_MOVE": refuses_move(204)}, "says that it renamed .* and it did not"),
        (DAV, {"do_MOVE": refuses_move(423)}, "another has locked it"),
        (DAV, {"do_MOVE": refuses_move(207)}, "refuses to MOVE"),
        (DAV, {"do_MOVE": refuses_move(403)}, "the account may not"),
        (DAV, {"do_MOVE": refuses_move(400)}, "refuses to MOVE"),
        (S3, {"do_PUT": knows_no_condition, **HIDDEN}, "knows no If-None-Match"),
    ],
)
def test_what_looks_like_a_receipt_and_is_none_is_told_and_nothing_stays(rude, connection, ways, told):
    with pytest.raises(AgencyError, match=told):
        rude(connection, **ways)
    assert list(rude.box.iterdir()) == []


@pytest.mark.parametrize(
    ("connection", "ways"),
    [
        (DAV, {"do_MOVE": refuses_move(502, lambda there: there.startswith("http"))}),
        (DAV, {"do_MOVE": refuses_move(400, lambda there: there.startswith("http"))}),
        (S3, {"do_PUT": knows_no_condition}),
        (DAV, {"do_PUT": thanks}),
        (DAV, {"do_MOVE": copies}),
    ],
)
def test_a_server_of_other_manners_that_keeps_the_files_has_them(rude, connection, ways):
    assert rude(connection, **ways) == [name for name, _ in FILES]
    assert {path.name: path.read_bytes() for path in rude.box.iterdir()} == dict(FILES)
    assert rude(connection, **ways) == []
    with pytest.raises(AgencyError, match="another"):
        rude(connection, [("scores.csv", b"other")], **ways)


@pytest.mark.parametrize("connection", [DAV, S3])
def test_a_box_that_one_may_only_write_into_is_written_into(rude, connection):
    assert len(rude(connection, do_GET=not_here, do_HEAD=not_here)) == 2


def keep_all(self, path, body):
    """As many servers do: a piece becomes the whole file."""
    del self.headers["Content-Range"]
    WebFolder.keep(self, path, body)


def takes_none(status):
    def take(self):
        if self.headers.get("Content-Range") is None:
            return WebFolder.do_PUT(self)
        self.rfile.read(int(self.headers["Content-Length"]))
        return self.answer(status)

    return take


def no_length(self):
    self.send_response(200)
    self.send_header("Transfer-Encoding", "chunked")
    self.end_headers()


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ({}, None),
        ({"do_GET": not_here, "do_HEAD": WebFolder.do_GET}, "only its length is known"),
        ({"do_GET": not_here, "do_HEAD": not_here}, "it may not be read back"),
        ({"do_GET": not_here, "do_HEAD": no_length}, "it may not be read back"),
    ],
)
@pytest.mark.parametrize("takes", [{"keep": keep_all}, {"do_PUT": takes_none(400)}, {"do_PUT": takes_none(501)}, {}])
@pytest.mark.parametrize("size", [2000, 4500])
def test_a_folder_that_takes_no_pieces_gets_the_whole_file_whatever_it_hides(
    rude, monkeypatch, caplog, takes, hidden, told, size
):
    monkeypatch.setattr(web, "PIECE_BYTES", 1000)
    content = os.urandom(size)
    assert rude(files=[("a", content)], **takes, **hidden) == ["a"]
    assert (rude.box / "a").read_bytes() == content
    assert [path.name for path in rude.box.iterdir()] == ["a"]
    assert [line for line in caplog.messages if "not compared" in line and (told or "") in line] == caplog.messages
    assert bool(caplog.messages) == (told is not None)


@pytest.mark.parametrize("hidden", [{}, {"do_GET": not_here, "do_HEAD": WebFolder.do_GET}])
@pytest.mark.parametrize("left", [1000, 1500, 3000, 4000])
def test_what_another_attempt_left_of_other_bytes_is_never_built_upon(rude, monkeypatch, hidden, left):
    monkeypatch.setattr(web, "PIECE_BYTES", 1000)
    rude.box.mkdir(parents=True)
    (rude.box / ".a.part").write_bytes(os.urandom(left))
    content = os.urandom(3000)
    assert rude(files=[("a", content)], **hidden) == ["a"]
    assert (rude.box / "a").read_bytes() == content


def test_a_folder_that_keeps_less_than_it_says_is_found_out_by_the_length_alone(rude):
    def cut(self, path, body):
        WebFolder.keep(self, path, body[:-1])

    with pytest.raises(AgencyError, match="kept other bytes"):
        rude(keep=cut, do_GET=not_here, do_HEAD=WebFolder.do_GET)
    assert list(rude.box.iterdir()) == []


(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink)][:1]


@pytest.mark.parametrize(("driver", "connection"), [("https", DAV), ("s3", S3)])
def test_a_trial_of_such_a_recipient_says_that_it_would_get_its_package(driver, connection):
    sink = ExtractSink.model_validate({**BANK.model_dump(), "driver": driver, "connection": connection.model_dump()})
    assert sink_test.try_sink(sink)["state"] == "ok"


def test_a_connection_that_is_none_of_the_driver_is_refused():
    with pytest.raises(ValueError, match="the connection is none of driver s3"):
        ExtractSink.model_validate({**BANK.model_dump(), "driver": "s3"})
