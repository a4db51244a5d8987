"""Each way of proving who we are, against servers that check it."""

import base64
import hashlib
import json
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors.errors import AgencyError, ConfigError, TransientError
from tests.contract.small_agency import Reply, ask_of, ids, listing, pull, serve

SECRET = "canary-secret-0123456789"
USER = "canary-user"


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    monkeypatch.setenv("SMALL_SECRET", SECRET)
    monkeypatch.setenv("SMALL_USER", USER)
    return monkeypatch


def guarded(is_known, count=25):
    answer = listing(count)
    return lambda sent: answer(sent) if is_known(sent) else Reply({"error": "who are you"}, 401)


def basic_of(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def sm3(key, text):
    mac = HMAC(key, hashes.SM3())
    mac.update(text)
    return mac.finalize().hex()


SIMPLE = {
    "bearer": (
        {"kind": "bearer", "token": {"env": "SMALL_SECRET"}},
        lambda sent: sent.headers.get("authorization") == f"Bearer {SECRET}",
    ),
    "key in a header": (
        {"kind": "api_key", "header": "X-Key", "key": {"env": "SMALL_SECRET"}},
        lambda sent: sent.headers.get("x-key") == SECRET,
    ),
    "key in the query": (
        {"kind": "api_key", "param": "key", "key": {"env": "SMALL_SECRET"}},
        lambda sent: sent.query.get("key") == SECRET,
    ),
    "basic": (
        {"kind": "basic", "user": {"env": "SMALL_USER"}, "password": {"env": "SMALL_SECRET"}},
        lambda sent: sent.headers.get("authorization") == basic_of(USER, SECRET),
    ),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_the_right_secret_is_let_in_and_a_wrong_one_is_not_shown(name, variables):
    auth, is_known = SIMPLE[name]
    with serve(guarded(is_known)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert ids(pull(ask_of(auth=auth))) == list(range(25))
        variables.setenv("SMALL_SECRET", "canary-wrong-9876543210")
        with pytest.raises(AgencyError, match=r"answers 401.*check SMALL_SECRET") as caught:
            pull(ask_of(auth=auth))
    assert "canary" not in str(caught.value)


def test_a_password_in_chinese_goes_as_utf_8(variables):
    variables.setenv("SMALL_SECRET", "密码密码密码")
    auth = SIMPLE["basic"][0]
    with serve(guarded(lambda s: s.headers.get("authorization") == basic_of(USER, "密码密码密码"))) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert len(ids(pull(ask_of(auth=auth)))) == 25


@pytest.mark.parametrize("value", ["two\r\nX-Evil: 1", "密钥", "trailing "])
def test_a_secret_that_no_header_may_hold_is_the_configurations_and_is_not_shown(value, variables):
    variables.setenv("SMALL_URL", "http://127.0.0.1:9")
    variables.setenv("SMALL_SECRET", value)
    with pytest.raises(ConfigError, match="SMALL_SECRET holds a sign") as caught:
        pull(ask_of(auth=SIMPLE["bearer"][0]))
    assert value not in str(caught.value)


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_each_request_is_signed_with_its_own_nonce(digest, variables):
    nonces = set()

    def is_known(sent):
        stamp, nonce = sent.headers["x-timestamp"], sent.headers["x-nonce"]
        nonces.add(nonce)
        empty = hashlib.sha256(b"").hexdigest()
        if digest == "sm3":
            empty = "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
        query = "&".join(sorted(f"{name}={value}" for name, value in sent.query.items()))
        text = "\n".join(["GET", "/list", query, stamp, nonce, empty]).encode()
        if digest == "sm3":
            wanted = sm3(SECRET.encode(), text)
        else:
            import hmac

            wanted = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        return sent.headers["x-signature"] == wanted and abs(time.time() - int(stamp)) < 5

    auth = {"kind": "signed", "app_key": {"env": "SMALL_USER"}, "app_secret": {"env": "SMALL_SECRET"}, "digest": digest}
    with serve(guarded(is_known)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert len(ids(pull(ask_of(auth=auth)))) == 25
    assert len(nonces) == 3


class Tokens:
    """A token endpoint and a listing whose tokens die after a number of uses."""

    def __init__(self, uses, send="header", expires_in=3600, count=45):
        self.uses, self.send, self.expires_in, self.listing = uses, send, expires_in, listing(count)
        self.left, self.lock, self.granted = {}, threading.Lock(), 0

    def __call__(self, sent):
        with self.lock:
            return self.token(sent) if sent.path == "/token" else self.page(sent)

    def token(self, sent):
        given = sent.headers.get("authorization")
        if self.send == "body":
            given = basic_of(sent.form.get("client_id"), sent.form.get("client_secret"))
        if given != basic_of(USER, SECRET) or sent.form.get("scope") != "read":
            return Reply({"error": "invalid_client"}, 401)
        self.granted += 1
        token = f"granted-token-{self.granted}"
        self.left[token] = self.uses
        return Reply({"access_token": token, "expires_in": self.expires_in})

    def page(self, sent):
        token = sent.headers.get("authorization", "").removeprefix("Bearer ")
        self.left[token] = self.left.get(token, 0) - 1
        return self.listing(sent) if self.left[token] >= 0 else Reply({}, 401)


def oauth(send="header"):
    return {
        "kind": "oauth2_client_credentials",
        "token_path": "/token",
        "client_id": {"env": "SMALL_USER"},
        "client_secret": {"env": "SMALL_SECRET"},
        "scope": "read",
        "send": send,
    }


def session_login(by_cookie):
    token = {} if by_cookie else {"token": "data.session", "header": "X-Session", "prefix": "S "}
    named = {"user_field": "user", "password_field": "word", "user": {"env": "SMALL_USER"}}
    return {"kind": "session_login", "login_path": "/login", "password": {"env": "SMALL_SECRET"}, **named, **token}


@pytest.mark.parametrize("send", ["header", "body"])
def test_a_token_is_asked_for_once_and_renewed_when_it_dies(send, variables):
    office = Tokens(uses=2, send=send)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert ids(pull(ask_of(auth=oauth(send)))) == list(range(45))
    assert office.granted == 3


def test_a_token_of_a_few_seconds_is_renewed_before_it_ends(variables):
    office = Tokens(uses=99, expires_in=0)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert len(ids(pull(ask_of(auth=oauth())))) == 45
    assert office.granted == 5


def test_four_threads_renew_a_token_once(variables):
    office = Tokens(uses=1_000, count=200)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = iter(pull_lazily(ask_of(auth=oauth(), connection={"limits": {"connections": 4}})))
        next(pages)
        office.left.clear()
        assert len(list(pages)) == 19
    assert office.granted == 2


def pull_lazily(ask):
    from connectors.drivers import rest

    return rest.pull(ask)


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Evil: 1", "", None, True, {"a": 1}, "密"])
def test_a_token_that_no_header_may_hold_is_no_token(token, variables):
    with serve(lambda _: Reply({"access_token": token})) as agency:
        variables.setenv("SMALL_URL", agency.url)
        with pytest.raises(AgencyError, match="no token was granted"):
            pull(ask_of(auth=oauth()))


class Gateway:
    """Tokens and pages in envelopes, with status 200: a dead token is told by a code, or by a page to log in."""

    def __init__(self, wanted, uses=2, dies_with=None, count=45):
        self.wanted, self.uses, self.count, self.granted, self.left = wanted, uses, count, 0, 0
        self.dies_with = dies_with or Reply({"code": 401, "msg": "token expired"})

    def __call__(self, sent):
        if sent.path == "/token":
            return self.grant(sent)
        self.left -= 1
        if self.left < 0 or sent.headers.get("x-token") != f"T {70_000_000 + self.granted}":
            return self.dies_with
        return Reply({"code": 0, **listing(self.count)(sent).body})

    def grant(self, sent):
        given = json.loads(sent.body) if "json" in sent.headers["content-type"] else sent.form
        if given != self.wanted:
            return Reply({"code": 500, "data": {"reason": "canary-reason"}})
        self.granted, self.left = self.granted + 1, self.uses
        return Reply({"code": 0, "data": {"token": 70_000_000 + self.granted, "lives": "7200"}})


IN_DATA = {"token": "data.token", "expires_in": "data.lives", "header": "X-Token", "prefix": "T "}
BY_JSON = {
    "oauth": (
        {**oauth("json"), **IN_DATA},
        {"grant_type": "client_credentials", "scope": "read", "client_id": USER, "client_secret": SECRET},
    ),
    "login by JSON": (
        {**session_login(by_cookie=False), "login_path": "/token", "login": "json", "fields": {"kind": 2}, **IN_DATA},
        {"user": USER, "word": SECRET, "kind": 2},
    ),
    "login by form": (
        {**session_login(by_cookie=False), "login_path": "/token", "fields": {"kind": 2}, **IN_DATA},
        {"user": USER, "word": SECRET, "kind": "2"},
    ),
}
CODED = {"path": "/list", "answered": {"code": "code", "ok": ["0"], "expired": ["401"], "message": "msg"}}


@pytest.mark.parametrize("name", BY_JSON)
@pytest.mark.parametrize("dies_with", [None, Reply(b"<html>login</html>"), Reply(b"", 302, {"Location": "/login"})])
def test_a_token_in_an_envelope_is_renewed_when_a_200_tells_that_it_died(name, dies_with, variables):
    auth, wanted = BY_JSON[name]
    office = Gateway(wanted, dies_with=dies_with)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert ids(pull(ask_of(auth=auth, request=CODED, retry_seconds=10))) == list(range(45))
    assert office.granted == 3
    asked = [sent.query["page"] for sent in agency.seen if sent.path == "/list"]
    assert sorted(set(asked), key=asked.index) == ["1", "2", "3", "4", "5"], "nothing begins again at page 1"


def test_a_new_token_that_is_refused_like_the_old_one_ends_it(variables):
    auth, wanted = BY_JSON["oauth"]
    office = Gateway(wanted, uses=0)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        with pytest.raises(AgencyError, match=r"rejected the request with code 401 \(token expired\)"):
            pull(ask_of(auth=auth, request=CODED))
    assert (office.granted, len(agency.seen)) == (2, 4)


def test_a_code_of_a_dead_token_that_is_not_declared_says_where_it_belongs(variables):
    auth, wanted = BY_JSON["oauth"]
    request = {"path": "/list", "answered": {"code": "code", "ok": ["0"]}}
    with serve(Gateway(wanted, uses=1)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        with pytest.raises(AgencyError, match=r"a dead token belongs under answered\.expired"):
            pull(ask_of(auth=auth, request=request))


def test_a_token_that_stands_elsewhere_is_told_by_the_names_of_the_answer(variables):
    auth, wanted = BY_JSON["oauth"]
    with serve(Gateway(wanted)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        with pytest.raises(AgencyError, match=r"holds none at access_token; it has code, data.token, data.lives\."):
            pull(ask_of(auth={**auth, "token": "access_token"}, request=CODED))
        variables.setenv("SMALL_SECRET", "another-secret-1")
        with pytest.raises(AgencyError, match=r"it has code, data.reason") as caught:
            pull(ask_of(auth=auth, request=CODED))
    assert "canary" not in str(caught.value)


def test_a_page_for_people_where_tokens_are_asked_for_is_told(variables):
    with serve(lambda _: Reply(b"<html>login</html>")) as agency:
        variables.setenv("SMALL_URL", agency.url)
        for auth in (oauth(), session_login(by_cookie=False)):
            with pytest.raises(AgencyError, match=r"it is a page of HTML.*open the address in a browser"):
                pull(ask_of(auth=auth))


def test_a_refusal_in_place_of_a_token_is_told_in_the_agencys_words_without_our_secret(variables):
    said = json.dumps({"code": 1001, "msg": f"用户名或密码错误 {SECRET}"}).encode()
    with serve(lambda _: Reply(said)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        for auth in (oauth(), session_login(by_cookie=False), session_login(by_cookie=True)):
            with pytest.raises(AgencyError, match=r"It says code 1001, msg 用户名或密码错误 \*\*\*\.") as caught:
                pull(ask_of(auth=auth))
            assert SECRET not in str(caught.value)


def test_an_agency_that_asks_for_no_proof_gets_none(variables):
    with serve(guarded(lambda sent: "authorization" not in sent.headers)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        for auth in ("none", {"kind": "none"}):
            assert len(ids(pull(ask_of(auth=auth)))) == 25


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"abc12345"', "quotation marks"),
        ("'abc12345'", "quotation marks"),
        ("abc\n", "a line end"),
        (" abc", "a blank"),
    ],
)
@pytest.mark.parametrize("auth", [SIMPLE["bearer"][0], SIMPLE["basic"][0], oauth(), session_login(by_cookie=True)])
def test_what_a_secret_was_copied_with_is_told_before_anything_is_sent(auth, value, told, variables):
    variables.setenv("SMALL_URL", "http://127.0.0.1:9")
    variables.setenv("SMALL_SECRET", value)
    with pytest.raises(ConfigError, match=f"SMALL_SECRET .*{told}.*without quotes") as caught:
        pull(ask_of(auth=auth))
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("lead", ["Bearer ", "bearer  ", "BEARER "])
def test_a_bearer_token_with_its_word_before_it_is_sent_with_one(lead, variables):
    variables.setenv("SMALL_SECRET", lead + SECRET)
    with serve(guarded(SIMPLE["bearer"][1])) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert len(ids(pull(ask_of(auth=SIMPLE["bearer"][0])))) == 25


def test_a_token_endpoint_that_is_down_is_transient(variables):
    with serve(lambda _: Reply({}, 503)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        with pytest.raises(TransientError, match="the token endpoint answers 503"):
            pull(ask_of(auth=oauth(), retry_seconds=0.5))


class Logins:
    """A login form; the session dies after a number of uses."""

    def __init__(self, by_cookie, uses=2):
        self.by_cookie, self.uses, self.listing, self.logins, self.left = by_cookie, uses, listing(45), 0, 0

    def __call__(self, sent):
        if sent.path == "/login":
            return self.login(sent)
        session = f"session-number-{self.logins}"
        given = sent.headers.get("cookie") if self.by_cookie else sent.headers.get("x-session")
        self.left -= 1
        wanted = f"SID={session}" if self.by_cookie else f"S {session}"
        return self.listing(sent) if given == wanted and self.left >= 0 else Reply({}, 401)

    def login(self, sent):
        if sent.form != {"user": USER, "word": SECRET}:
            return Reply({"message": "no"}, 401)
        self.logins, self.left = self.logins + 1, self.uses
        session = f"session-number-{self.logins}"
        if self.by_cookie:
            return Reply({"message": "yes"}, 200, {"Set-Cookie": f"SID={session}; Path=/; HttpOnly"})
        return Reply({"data": {"session": session}})


@pytest.mark.parametrize("by_cookie", [True, False])
def test_a_session_is_opened_once_and_again_when_it_ends(by_cookie, variables):
    office = Logins(by_cookie)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        assert ids(pull(ask_of(auth=session_login(by_cookie)))) == list(range(45))
    assert office.logins == 3


def test_a_login_refused_is_the_agencys_and_shows_no_password(variables):
    with serve(Logins(by_cookie=True)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        variables.setenv("SMALL_SECRET", "canary-wrong-9876543210")
        with pytest.raises(AgencyError, match=r"the login failed \(status 401\)") as caught:
            pull(ask_of(auth=session_login(by_cookie=True)))
    assert "canary" not in str(caught.value)


def test_a_key_in_the_query_stays_out_of_what_is_kept_and_said(variables):
    answers = iter([Reply({"items": [{"id": 1}], "next": "?page=2"}), Reply({}, 404)])
    with serve(lambda _: next(answers)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        ask = ask_of(auth=SIMPLE["key in the query"][0], paginator={"kind": "next_link", "next": "next"})
        pages = pull_lazily(ask)
        assert SECRET not in str(next(pages).next_cursor)
        with pytest.raises(AgencyError) as caught:
            next(pages)
        assert [sent.query.get("key") for sent in agency.seen] == [SECRET, SECRET]
    assert SECRET not in str(caught.value)
