"""Where messages may go: not inside the house unless a setting says so, and to the address that was looked at."""

import json
import socket
import ssl
from contextlib import closing

import pytest
import trustme

from connectors.drivers.addresses import CheckedAdapter
from connectors.drivers.webhook import push
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.sink_files import NoticeSink
from ledger.settings import Settings, SettingsError
from tests.command_line import jifen
from tests.contract.small_agency import Reply, serve
from tests.contract.test_webhook_driver import HOOK_SECRET, SINK


@pytest.fixture
def post(monkeypatch, tmp_path):
    """Post one message to an address, with what JIFEN_CHANNEL_HOSTS says; names resolve to what `post.names` says."""
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    resolve = socket.getaddrinfo

    def named(host, port, *_, **__):
        if host not in run.names:
            return resolve(host, port, type=socket.SOCK_STREAM)
        run.asked.append(host)
        told = run.names[host]
        return [info for one in (told.pop(0) if len(told) > 1 else told[0]) for info in resolve(one, port, type=1)]

    def run(url, hosts=""):
        monkeypatch.setenv("HOOK_URL", url)
        settings = Settings(
            data_dir=tmp_path, retry_seconds=3, request_timeout_seconds=1, channel_hosts=hosts, _env_file=None
        )
        with closing(CheckedAdapter(settings, "channel")) as adapter:
            push(NoticeSink.model_validate(SINK), b'{"id": "1"}', settings, adapter)

    run.names, run.asked = {}, []
    monkeypatch.setattr(socket, "getaddrinfo", named)
    return run


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("2130706433", "loopback"),
        ("127.1", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "private|loopback"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("[2002:7f00:1::]", "loopback|private"),
        ("10.1.2.3", "private"),
        ("172.16.0.9", "private"),
        ("192.168.1.1", "private"),
        ("[fd00:ec2::254]", "private"),
        ("169.254.169.254", "link-local"),
        ("[fe80::1]", "link-local"),
        ("[fec0::1]", "site-local"),
        ("[::127.0.0.1]", "not open to the world"),
        ("[64:ff9b:1::7f00:1]", "private|not open to the world"),
        ("100.100.100.200", "not open to the world"),
        ("168.63.129.16", "a cloud's own services"),
        ("224.0.0.1", "multicast"),
        ("0", "unspecified"),
        ("255.255.255.255", "private"),
    ],
)
def test_an_address_inside_the_house_is_refused_before_a_connection(post, monkeypatch, host, kind):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was begun"))
    with pytest.raises(ConfigError, match=rf"leads to .*({kind}).*JIFEN_CHANNEL_HOSTS"):
        post(f"http://{host}:9/")


def test_one_address_inside_among_others_is_refused(post, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was begun"))
    post.names["channel.example"] = [["93.184.215.14", "127.0.0.1"]]
    with pytest.raises(ConfigError, match=r"channel\.example leads to 127\.0\.0\.1, loopback"):
        post("http://channel.example/")


@pytest.mark.parametrize("hosts", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "channel.example", "CHANNEL.example."])
def test_a_host_or_a_network_that_the_setting_names_is_called_under_its_own_name(post, hosts):
    post.names["channel.example"] = [["127.0.0.1"]]
    with serve(lambda _: Reply(b"ok")) as channel:
        post(f"http://channel.example:{channel.url.rpartition(':')[2]}/", hosts)
    assert channel.seen[0].headers["host"].startswith("channel.example:")
    assert post.asked == ["channel.example"], "what was looked at is what is called"


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_a_second_time(post):
    post.names["channel.example"] = [["127.0.0.1"], ["169.254.169.254"]]
    with serve(lambda _: Reply(b"ok")) as channel:
        post(f"http://channel.example:{channel.url.rpartition(':')[2]}/", "127.0.0.0/8")
    assert len(channel.seen) == 1


def test_tls_is_checked_by_the_name_of_the_url(post, monkeypatch, tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("channel.example").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    post.names |= {"channel.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    with serve(lambda _: Reply(b"ok"), context) as channel:
        port = channel.url.rpartition(":")[2]
        post(f"https://channel.example:{port}/", "127.0.0.1")
        with pytest.raises(TransientError):
            post(f"https://other.example:{port}/", "127.0.0.1")
    assert len(channel.seen) == 1


def test_a_redirect_into_the_house_is_not_followed(post):
    with serve(lambda _: Reply(b"", 307, {"Location": "http://169.254.169.254/"})) as channel:
        with pytest.raises(AgencyError, match="307"):
            post(channel.url, "127.0.0.1")
        assert len(channel.seen) == 1


def test_through_a_proxy_what_resolves_here_is_looked_at_and_the_rest_is_the_proxys(post, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    post.names["inside.example"] = [["10.0.0.1"]]
    with serve(lambda _: Reply(b"ok")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(ConfigError, match="private"):
            post("http://inside.example/")
        assert proxy.seen == []
        post("http://known-to-the-proxy-alone.invalid/")
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("env", "state", "said"),
    [
        ({}, "ok", ""),
        ({"JIFEN_CHANNEL_HOSTS": ""}, "failed", "JIFEN_CHANNEL_HOSTS"),
        ({"POLICY_WEBHOOK_SECRET": "plain words"}, "failed", "jifen sink secret"),
        ({"POLICY_WEBHOOK_URL": ""}, "failed", "POLICY_WEBHOOK_URL not set"),
    ],
)
def test_a_channel_is_checked_without_a_message(tmp_path, env, state, said):
    whole = {"POLICY_WEBHOOK_URL": "http://127.0.0.1:9/", "POLICY_WEBHOOK_SECRET": HOOK_SECRET}
    env = {**whole, "JIFEN_CHANNEL_HOSTS": "127.0.0.1", "JIFEN_ENV_FILE": "", **env}
    (line,) = json.loads(jifen("sink", "check", "policy_channel", "--json", env=env, cwd=tmp_path).stdout)
    assert (line["state"], said in (line["message"] or "")) == (state, True)


@pytest.mark.parametrize("hosts", ["10.0.0.0/99", "300.1.2.3", "a b/c"])
def test_a_setting_that_names_no_host_is_refused(tmp_path, hosts):
    with pytest.raises(SettingsError, match="JIFEN_CHANNEL_HOSTS"):
        Settings(data_dir=tmp_path, channel_hosts=hosts, _env_file=None)
