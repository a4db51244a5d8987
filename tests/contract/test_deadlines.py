"""Whatever another machine does with our line, a wait on it ends within its budget, and nothing is left that waits."""

import asyncio
import gzip
import itertools
import threading
import time

import asyncssh
import pytest

from connectors.drivers.retry import MARGIN_SECONDS
from connectors.drivers.sftp import pull as pull_sftp
from connectors.drivers.sftp import push as push_sftp
from connectors.drivers.webhook import push as push_notice
from connectors.errors import ConfigError, ConnectorError, TransientError
from connectors.sink_files import NoticeSink
from connectors.spec import ReportJob, StableSize
from ledger.settings import Settings
from tests.contract.dead_lines import dies_after, drip, flood, server, silence
from tests.contract.small_agency import Reply, ask_of, listing, pull, serve
from tests.contract.small_sftp import ask_of as ask_of_sftp
from tests.contract.small_sftp import connection_of
from tests.contract.small_sftp import serve as serve_sftp
from tests.contract.test_rest_auth import LOGIN, OAUTH
from tests.contract.test_webhook_driver import HOOK_SECRET, SINK

BUDGET, TIMEOUT = 0.7, 0.3
SLACK = 20.0
"""A busy machine's own time: what is waited for by mistake lasts 30 s at least."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Encoding: gzip\r\n")
ENDLESS = {
    "silence": silence,
    "a status line that drips": drip(b"HTTP/1.1 200 ", b"O"),
    "headers that drip": drip(OK, b"X-More: 1\r\n"),
    "a body that drips": drip(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks that drip": drip(CHUNKED, b"1\r\n \r\n"),
    "a chunk's length that drips": drip(CHUNKED + b"1;", b"x"),
    "trailers that drip": drip(CHUNKED + b"1\r\n \r\n0\r\n", b"X-More: 1\r\n"),
    "a packed body that drips": drip(PACKED, b"1\r\n\x1f\r\n"),
    "a head, then silence": drip(OK + b"Content-Length: 9\r\n\r\n"),
    "continue without end": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers without end": flood(OK, b"X-More: 1\r\n" * 100),
    "a body without end": flood(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"),
    "a body of 600 MB": flood(OK + b"Content-Length: 629145600\r\n\r\n", b" " * 65536),
    "a packed bomb": flood(PACKED, b"%x\r\n%b\r\n" % (len(bomb := gzip.compress(b" " * 10_000_000)), bomb)),
}


@pytest.fixture
def settings(tmp_path):
    return Settings(
        data_dir=tmp_path,
        retry_seconds=BUDGET,
        request_timeout_seconds=TIMEOUT,
        channel_hosts="127.0.0.1",
        _env_file=None,
    )


@pytest.fixture(autouse=True)
def ends_in_time(monkeypatch):
    """Each test takes no longer than its budgets and their margin, and leaves no thread behind that goes on."""
    monkeypatch.setenv("SMALL_SECRET", "made-up-secret")
    before, began = set(threading.enumerate()), time.monotonic()
    yield
    assert time.monotonic() - began < 2 * (BUDGET + MARGIN_SECONDS) + SLACK
    left = set(threading.enumerate()) - before
    # Idle threads of an event loop's own pool end with the process.
    assert all(thread.daemon or thread.name.startswith("asyncio_") for thread in left)


def notice(url, monkeypatch, settings, body=b'{"id": "1"}'):
    monkeypatch.setenv("HOOK_URL", url)
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    push_notice(NoticeSink.model_validate(SINK), body, settings)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_message_is_still_owed_and_a_page_not_waited_for(name, monkeypatch, settings):
    with server(ENDLESS[name]) as port:
        with pytest.raises(ConnectorError, match="channel"):
            notice(f"http://127.0.0.1:{port}/", monkeypatch, settings)
        monkeypatch.setenv("SMALL_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectorError, match=r"small\.listing"):
            pull(ask_of(retry_seconds=BUDGET, timeout=TIMEOUT))


@pytest.mark.parametrize(
    ("talk", "scheme", "body"),
    [
        (silence, "https", b'{"id": "1"}'),
        (drip(b"\x16\x03\x03\x40\x00", b"\x02"), "https", b'{"id": "1"}'),
        (silence, "http", b'{"id": "1"}' + b" " * 30_000_000),
    ],
)
def test_a_handshake_or_a_channel_that_takes_no_more_is_not_waited_for(talk, scheme, body, monkeypatch, settings):
    with server(talk) as port, pytest.raises(TransientError, match="channel"):
        notice(f"{scheme}://127.0.0.1:{port}/", monkeypatch, settings, body)


def test_a_proxy_that_says_nothing_is_not_waited_for_and_is_named(monkeypatch, settings):
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with server(silence) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectorError, match="HTTPS_PROXY"):
            notice("https://channel.invalid/", monkeypatch, settings)


@pytest.mark.parametrize(
    ("variable", "value"), [("ALL_PROXY", "socks5://127.0.0.1:9"), ("http_proxy", "http://nobody.invalid:3128")]
)
def test_an_agency_behind_a_proxy_that_cannot_be_used_is_the_configurations_at_once(variable, value, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with serve(listing(5)) as agency:
        monkeypatch.setenv("SMALL_URL", agency.url)
        with pytest.raises(ConfigError, match=f"the proxy that {variable} names cannot be used"):
            pull(ask_of(retry_seconds=60))
    assert agency.seen == []


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        ("503 Service Unavailable", TransientError, "the proxy of HTTPS_PROXY answers 503"),
        ("504 Gateway Timeout", TransientError, "the proxy of HTTPS_PROXY answers 504"),
        ("403 Forbidden", ConfigError, r"HTTPS_PROXY names cannot be used \(http, it answers 403\)"),
    ],
)
def test_a_proxy_that_does_not_reach_the_agency_now_is_asked_again(status, error, told, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    asked = []

    def refuse(line):
        asked.append(line.recv(4096))
        line.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with server(refuse) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SMALL_URL", "https://agency.invalid")
        with pytest.raises(error, match=told):
            pull(ask_of(auth={"kind": "none"}))
    assert (len(asked) > 1) == (error is TransientError)


@pytest.mark.parametrize("wish", ["3600", "2", "Thu, 01 Jan 2099 00:00:00 GMT"])
def test_a_wait_that_they_ask_for_is_no_longer_than_ours(wish, monkeypatch, settings):
    with (
        serve(lambda _: Reply(b"", 503, {"Retry-After": wish})) as channel,
        pytest.raises(TransientError, match="resume"),
    ):
        notice(channel.url, monkeypatch, settings)


@pytest.mark.parametrize("auth", [OAUTH, LOGIN])
def test_a_login_that_drips_counts_against_the_budget_of_the_page(auth, monkeypatch):
    with server(drip(OK, b"X-More: 1\r\n")) as port:
        monkeypatch.setenv("SMALL_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SMALL_USER", "made-up-user")
        with pytest.raises(TransientError):
            pull(ask_of(auth=auth, retry_seconds=BUDGET, timeout=TIMEOUT))


JOB = {
    "create_path": "/order",
    "id": "job",
    "status_path": "/state/{job}",
    "status": "state",
    "done": ["done"],
    "failed": ["failed"],
    "every_seconds": 0.01,
    "download_path": "/file/{job}",
}


def test_a_report_that_dies_while_it_is_fetched_is_not_waited_for(monkeypatch):
    def answer(sent):
        if sent.path.startswith("/file"):
            return Reply({"total": 1, "items": [{"id": n} for n in range(20_000)]})
        return Reply({"job": "7", "state": "done"}, 200)

    with serve(answer) as agency, dies_after(int(agency.url.rpartition(":")[2]), down=50_000) as port:
        monkeypatch.setenv("SMALL_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(TransientError):
            pull(ask_of(request={"job": JOB}, paginator=None, retry_seconds=BUDGET, timeout=TIMEOUT))


def test_pages_asked_ahead_over_a_line_that_dies_are_not_waited_for(monkeypatch):
    with serve(listing(100_000, 10)) as agency, dies_after(int(agency.url.rpartition(":")[2]), down=2000) as port:
        monkeypatch.setenv("SMALL_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(TransientError):
            pull(ask_of(connection={"limits": {"connections": 4}}, retry_seconds=BUDGET, timeout=TIMEOUT))


BANNER = b"SSH-2.0-small\r\n"
SSH_ENDLESS = {
    "silence": silence,
    "a banner that drips": drip(b"SSH-2.0-", b"x"),
    "lines before a banner that never comes": drip(b"", b"hello\r\n"),
    "a banner, then silence": drip(BANNER),
    "packets that drip": drip(BANNER + b"\x00\x00\x70\x00\x04", b"\x14"),
    "lines without end": flood(b"", b"hello\r\n" * 1000),
}


@pytest.fixture
def remote(monkeypatch, settings):
    """The variables of a server, and how to pull from its box and push into it."""

    def at(variables, port=None):
        for name, value in {**variables, **({"SMALL_PORT": str(port)} if port else {})}.items():
            monkeypatch.setenv(name, value)

    def pulled():
        return list(pull_sftp(ask_of_sftp(settings)))

    def pushed(budget=BUDGET):
        ours = settings.model_copy(update={"retry_seconds": budget})
        return push_sftp(connection_of(), "box", [("a.csv", b"x" * 400_000)], "bank", ours)

    at.pulled, at.pushed = pulled, pushed
    return at


@pytest.mark.parametrize("name", SSH_ENDLESS)
@pytest.mark.parametrize("way", ["pulled", "pushed"])
def test_a_server_that_never_begins_to_talk_is_not_waited_for(name, way, remote):
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    values = {"HOST": "127.0.0.1", "USER": "zone", "PASSWORD": "x", "HOST_KEY": key}
    with server(SSH_ENDLESS[name]) as port:
        remote({f"SMALL_{name}": value for name, value in values.items()}, port)
        with pytest.raises(ConnectorError):
            getattr(remote, way)()


@pytest.mark.parametrize("limits", [{"down": 200}, {"down": 3000}, {"down": 60_000}, {"up": 600}, {"up": 3500}])
@pytest.mark.parametrize("way", ["pulled", "pushed"])
def test_a_line_that_dies_at_any_moment_is_not_waited_for(limits, way, remote, tmp_path):
    with serve_sftp(tmp_path) as variables, dies_after(int(variables["SMALL_PORT"]), **limits) as port:
        (tmp_path / "box" / "a.csv").write_bytes(b"y" * 400_000)
        remote(variables, port)
        if way == "pushed" and limits == {"down": 60_000}:
            limits["up"] = 60_000
        with pytest.raises(TransientError):
            getattr(remote, way)()


class Stuck(asyncssh.SFTPServer):
    """Lists one name, and never another."""

    async def scandir(self, _path):
        yield asyncssh.SFTPName(b"a.csv", attrs=asyncssh.SFTPAttrs(size=5, type=1, mtime=1))
        await asyncio.sleep(30)


class Endless(asyncssh.SFTPServer):
    """Lists names without an end."""

    async def scandir(self, _path):
        for number in itertools.count():
            yield asyncssh.SFTPName(b"n%d.csv" % number, attrs=asyncssh.SFTPAttrs(size=5, type=1, mtime=1))
            await asyncio.sleep(0)


@pytest.mark.parametrize("manners", [Stuck, Endless])
def test_a_listing_that_never_ends_is_not_waited_for(manners, remote, tmp_path):
    with serve_sftp(tmp_path, manners) as variables:
        remote(variables)
        with pytest.raises(TransientError, match="the SFTP line is silent"):
            remote.pulled()


def test_after_a_dead_line_the_next_night_goes_over_a_new_one(remote, tmp_path):
    with serve_sftp(tmp_path) as variables:
        with dies_after(int(variables["SMALL_PORT"]), up=20_000) as port:
            remote(variables, port)
            with pytest.raises(TransientError, match="what is not delivered yet is sent then"):
                remote.pushed()
        remote(variables)
        assert remote.pushed(budget=10) == ["a.csv"]
        assert [path.name for path in (tmp_path / "box").iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("part", "said"),
    [(StableSize, {"kind": "stable_size", "seconds": 86_400}), (ReportJob, {**JOB, "every_seconds": 3600})],
)
def test_a_source_file_cannot_ask_for_a_wait_of_hours(part, said):
    with pytest.raises(ValueError, match="less than or equal to 600"):
        part.model_validate(said)
