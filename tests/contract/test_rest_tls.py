"""Certificates of both sides: ours is shown, theirs is checked."""

import datetime as dt
import ssl

import pytest
import trustme

from connectors.errors import AgencyError, ConfigError, TransientError
from tests.contract.small_agency import ask_of, ids, listing, pull, serve


@pytest.fixture
def variables(monkeypatch):
    return monkeypatch


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    for name, ca in (("client", authority), ("stranger", stranger)):
        issued = ca.issue_cert("jifen@example.org")
        issued.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    stranger.cert_pem.write_to_path(str(folder / "other_ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return folder, context


MUTUAL = {"kind": "mutual_tls", "certificate": {"env": "SMALL_CERT"}, "key": {"env": "SMALL_KEY"}}
TRUSTED = {"ca": {"env": "SMALL_CA"}}


def point_at(variables, agency, folder, name, ca="ca.pem"):
    variables.setenv("SMALL_URL", agency.url)
    variables.setenv("SMALL_CERT", str(folder / f"{name}.pem"))
    variables.setenv("SMALL_KEY", str(folder / f"{name}.key"))
    variables.setenv("SMALL_CA", str(folder / ca))


def test_a_client_certificate_is_shown_and_the_agencys_own_is_checked(certificates, variables):
    folder, context = certificates
    with serve(listing(25), context) as agency:
        point_at(variables, agency, folder, "client")
        assert len(ids(pull(ask_of(auth=MUTUAL, connection=TRUSTED)))) == 25


def test_an_agency_with_a_certificate_we_do_not_trust_is_refused_at_once(certificates, variables):
    folder, context = certificates
    with serve(listing(25), context) as agency:
        point_at(variables, agency, folder, "client", ca="other_ca.pem")
        with pytest.raises(AgencyError, match="its certificate is not one we trust"):
            pull(ask_of(auth=MUTUAL, connection=TRUSTED, retry_seconds=20))


def test_a_certificate_that_has_expired_is_told_as_that(certificates, variables):
    folder, _ = certificates
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(str(folder / "own.pem"))
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    authority.issue_cert("localhost", not_before=past - dt.timedelta(days=9), not_after=past).configure_cert(context)
    with serve(listing(25), context) as agency:
        point_at(variables, agency, folder, "client", ca="own.pem")
        with pytest.raises(AgencyError, match="its certificate is not one we trust: it has expired"):
            pull(ask_of(auth={"kind": "none"}, connection=TRUSTED, retry_seconds=20))


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
@pytest.mark.parametrize("own", [False, True])
def test_a_file_of_authorities_that_holds_none_is_the_configurations_at_once(content, own, tmp_path, variables):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    variables.setenv("SMALL_URL", "https://127.0.0.1:9")
    variables.setenv("SMALL_CA" if own else "REQUESTS_CA_BUNDLE", str(path))
    named = "SMALL_CA names no file" if own and content is None else "authorities.pem" if own else "REQUESTS_CA_BUNDLE"
    with pytest.raises(ConfigError, match=f"{named}.*Whose: config"):
        pull(ask_of(connection=TRUSTED if own else None, retry_seconds=20))


def test_a_port_that_speaks_no_tls_is_told_as_that(variables):
    with serve(listing(5)) as agency:
        variables.setenv("SMALL_URL", agency.url.replace("http:", "https:"))
        with pytest.raises(TransientError, match=r"no whole answer from .* \(TLS: \w+"):
            pull(ask_of(auth={"kind": "none"}, retry_seconds=1))


def test_a_certificate_the_agency_does_not_know_is_refused(certificates, variables):
    folder, context = certificates
    with serve(listing(25), context) as agency:
        point_at(variables, agency, folder, "stranger")
        with pytest.raises((AgencyError, TransientError)):
            pull(ask_of(auth=MUTUAL, connection=TRUSTED, retry_seconds=1))
        assert agency.seen == []


def test_a_key_file_that_is_not_there_is_the_configurations(certificates, variables):
    folder, context = certificates
    with serve(listing(25), context) as agency:
        point_at(variables, agency, folder, "nobody")
        with pytest.raises(ConfigError, match="SMALL_CERT names no file"):
            pull(ask_of(auth=MUTUAL, connection=TRUSTED))
