"""Each way of proving who we are, against servers that check it."""

import base64
import hashlib
import hmac
import json
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from connectors.drivers import rest
from connectors.drivers.pages import Lines
from connectors.errors import AgencyError, ConfigError, TransientError
from tests.contract.small_agency import SECRET, USER, Reply, ask_of, ids, listing, serve

NAMED, HIDDEN = {"env": "SMALL_USER"}, {"env": "SMALL_SECRET"}
OAUTH = {
    "kind": "oauth2_client_credentials",
    "token_path": "/token",
    "client_id": NAMED,
    "client_secret": HIDDEN,
    "scope": "read",
}
LOGIN = {"kind": "session_login", "login_path": "/token", "user_field": "user", "password_field": "word"}
LOGIN |= {"user": NAMED, "password": HIDDEN}


def basic_of(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def guarded(is_known, count=25):
    answer = listing(count)
    return lambda sent: answer(sent) if is_known(sent) else Reply({"error": "who are you"}, 401)


SIMPLE = {
    "bearer": ({"token": HIDDEN}, lambda sent, secret: sent.headers.get("authorization") == f"Bearer {secret}"),
    "api_key": ({"header": "X-Key", "key": HIDDEN}, lambda sent, secret: sent.headers.get("x-key") == secret),
    "api_key ": ({"param": "key", "key": HIDDEN}, lambda sent, secret: sent.query.get("key") == secret),
    "basic": (
        {"user": NAMED, "password": HIDDEN},
        lambda sent, secret: sent.headers.get("authorization") == basic_of(USER, secret),
    ),
}


def simple(name, secret=SECRET):
    auth, is_known = SIMPLE[name]
    return {"kind": name.strip(), **auth}, guarded(lambda sent: is_known(sent, secret))


@pytest.mark.parametrize("name", SIMPLE)
def test_the_right_secret_is_let_in_and_a_wrong_one_is_not_shown(name, pulled, variables):
    auth, agency = simple(name)
    assert ids(pulled(agency, auth=auth)) == list(range(25))
    variables.setenv("SMALL_SECRET", "canary-wrong-9876543210")
    with pytest.raises(AgencyError, match=r"answers 401.*check SMALL_SECRET") as caught:
        pulled(agency, auth=auth)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("basic", "密码密码密码", "密码密码密码"),
        ("bearer", f"Bearer {SECRET}", SECRET),
        ("bearer", f"bearer  {SECRET}", SECRET),
        ("bearer", f"BEARER {SECRET}", SECRET),
    ],
)
def test_a_password_goes_as_utf_8_and_a_token_with_its_word_once(name, value, secret, pulled, variables):
    variables.setenv("SMALL_SECRET", value)
    auth, agency = simple(name, secret)
    assert len(ids(pulled(agency, auth=auth))) == 25


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"abc12345"', "quotation marks.*without quotes"),
        ("'abc12345'", "quotation marks.*without quotes"),
        ("abc\n", "a line end.*without quotes"),
        (" abc", "a blank.*without quotes"),
        ("two\r\nX-Evil: abc", "a line end"),
    ],
)
@pytest.mark.parametrize("auth", [simple("bearer")[0], simple("basic")[0], OAUTH, LOGIN])
def test_what_a_secret_was_copied_with_is_told_before_anything_is_sent(auth, value, told, pulled, variables):
    variables.setenv("SMALL_SECRET", value)
    with pytest.raises(ConfigError, match=f"SMALL_SECRET .*{told}") as caught:
        pulled(listing(1), auth=auth)
    assert "abc" not in str(caught.value)
    assert pulled.agency.seen == []


def test_a_secret_that_no_header_may_hold_is_the_configurations(pulled, variables):
    variables.setenv("SMALL_SECRET", "密钥")
    with pytest.raises(ConfigError, match="SMALL_SECRET holds a sign that no header may have"):
        pulled(listing(1), auth=simple("bearer")[0])


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_each_request_is_signed_with_its_own_nonce(digest, pulled):
    nonces = set()
    empty = {
        "sha256": hashlib.sha256(b"").hexdigest(),
        "sm3": "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
    }

    def sealed(text):
        if digest == "sha256":
            return hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        mac = HMAC(SECRET.encode(), hashes.SM3())
        mac.update(text)
        return mac.finalize().hex()

    def is_known(sent):
        stamp, nonce = sent.headers["x-timestamp"], sent.headers["x-nonce"]
        nonces.add(nonce)
        query = "&".join(sorted(f"{name}={value}" for name, value in sent.query.items()))
        text = "\n".join(["GET", "/list", query, stamp, nonce, empty[digest]]).encode()
        return sent.headers["x-signature"] == sealed(text) and abs(time.time() - int(stamp)) < 60

    auth = {"kind": "signed", "app_key": NAMED, "app_secret": HIDDEN, "digest": digest}
    assert len(ids(pulled(guarded(is_known), auth=auth))) == 25
    assert len(nonces) == 3


class Office:
    """Grants tokens or sessions to whoever gives the `wanted` fields (None: by basic auth); each dies after some uses.

    `shown` is how one is granted and what a request must then carry, by its number; `dies_with` tells that it died.
    """

    def __init__(self, wanted, shown, uses=2, dies_with=None, count=45):
        self.wanted, self.shown, self.uses, self.count = wanted, shown, uses, count
        self.dies_with = dies_with or Reply({}, 401)
        self.left, self.lock, self.granted = {}, threading.Lock(), 0

    def __call__(self, sent):
        with self.lock:
            return self.grant(sent) if sent.path == "/token" else self.page(sent)

    def grant(self, sent):
        is_json = "json" in sent.headers.get("content-type", "")
        given = dict(json.loads(sent.body)) if is_json else sent.form
        if self.wanted is None and sent.headers.get("authorization") == basic_of(USER, SECRET):
            given = None
        if given != self.wanted:
            return Reply({"code": 500, "data": {"reason": "canary-reason"}}, 200 if is_json else 401)
        self.granted += 1
        reply, carried = self.shown(self.granted)
        self.left[carried] = self.uses
        return reply

    def page(self, sent):
        carried = [sent.headers.get(name) for name in ("authorization", "cookie", "x-token")]
        found = next((one for one in carried if one in self.left), None)
        if found is None or self.left[found] == 0:
            return self.dies_with
        self.left[found] -= 1
        return Reply({"code": 0, **listing(self.count)(sent).body})


def plainly(number, expires_in=3600):
    token = f"granted-token-{number}"
    return Reply({"access_token": token, "expires_in": expires_in}), f"Bearer {token}"


def in_data(number):
    token = 70_000_000 + number
    return Reply({"code": 0, "data": {"token": token, "lives": "7200"}}), f"T {token}"


def by_cookie(number):
    cookie = f"SID=session-number-{number}"
    return Reply({"message": "yes"}, 200, {"Set-Cookie": f"{cookie}; Path=/; HttpOnly"}), cookie


IN_DATA = {"token": "data.token", "expires_in": "data.lives", "header": "X-Token", "prefix": "T "}
ASKED = {"grant_type": "client_credentials", "scope": "read", "client_id": USER, "client_secret": SECRET}
GRANTED = {
    "id and secret by header": (OAUTH, None, plainly),
    "in a form": ({**OAUTH, "send": "body"}, ASKED, plainly),
    "as JSON": ({**OAUTH, "send": "json", **IN_DATA}, ASKED, in_data),
    "login as JSON": (
        {**LOGIN, "login": "json", "fields": {"kind": 2}, **IN_DATA},
        {"user": USER, "word": SECRET, "kind": 2},
        in_data,
    ),
    "login by form": (
        {**LOGIN, "fields": {"kind": 2}, **IN_DATA},
        {"user": USER, "word": SECRET, "kind": "2"},
        in_data,
    ),
    "login for a cookie": (LOGIN, {"user": USER, "word": SECRET}, by_cookie),
}
CODED = {"path": "/list", "answered": {"code": "code", "ok": ["0"], "expired": ["401"], "message": "msg"}}
DIED = Reply({"code": 401, "msg": "token expired"})


@pytest.mark.parametrize("name", GRANTED)
@pytest.mark.parametrize(
    "dies_with",
    [None, DIED, Reply({}, 403), Reply({}, 440), Reply(b"<html>login</html>"), Reply(b"", 302, {"Location": "/login"})],
)
def test_what_is_granted_is_asked_for_once_and_again_when_it_dies(name, dies_with, pulled):
    auth, wanted, shown = GRANTED[name]
    office = Office(wanted, shown, dies_with=dies_with)
    assert ids(pulled(office, auth=auth, request=CODED, retry_seconds=30)) == list(range(45))
    assert office.granted == 3
    asked = [sent.query["page"] for sent in pulled.agency.seen if sent.path == "/list"]
    assert sorted(set(asked), key=asked.index) == ["1", "2", "3", "4", "5"], "nothing begins again at page 1"


def test_a_token_of_a_few_seconds_is_renewed_before_it_ends(pulled):
    office = Office(None, lambda number: plainly(number, expires_in=0), uses=99)
    assert len(ids(pulled(office, auth=OAUTH))) == 45
    assert office.granted == 5


def test_a_token_that_says_it_never_ends_is_asked_for_once(pulled):
    office = Office(None, lambda number: plainly(number, expires_in=-1), uses=99)
    assert (len(ids(pulled(office, auth=OAUTH))), office.granted) == (45, 1)


def test_a_cookie_for_another_host_is_told_as_that_and_not_as_a_wrong_password(pulled):
    cookie = {"Set-Cookie": "sid=canary-cookie; Path=/; Domain=agency.inner"}
    with pytest.raises(AgencyError, match=r"a cookie for another host.*the cookie's Domain") as caught:
        pulled(lambda _: Reply({"code": 0}, 200, cookie), auth=LOGIN)
    assert "canary" not in str(caught.value)


def test_four_threads_renew_a_token_once(variables):
    office = Office(None, plainly, uses=1_000, count=200)
    with serve(office) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = rest.pull(ask_of(auth=OAUTH, connection={"limits": {"connections": 4}}))
        next(pages)
        office.left.clear()
        assert len(list(pages)) == 19
    assert office.granted == 2


def test_the_datasets_of_a_source_share_what_is_granted_in_one_run(pulled):
    office, lines = Office(None, plainly, uses=99), Lines()
    for _ in range(3):
        assert len(ids(pulled(office, auth=OAUTH, lines=lines))) == 45
    assert office.granted == 1


def test_a_new_token_that_is_refused_like_the_old_one_ends_it(pulled):
    auth, wanted, shown = GRANTED["as JSON"]
    office = Office(wanted, shown, uses=0, dies_with=DIED)
    with pytest.raises(AgencyError, match=r"rejected the request with code 401 \(token expired\)"):
        pulled(office, auth=auth, request=CODED)
    assert (office.granted, len(pulled.agency.seen)) == (2, 4)


def test_a_code_of_a_dead_token_that_is_not_declared_says_where_it_belongs(pulled):
    auth, wanted, shown = GRANTED["as JSON"]
    request = {"path": "/list", "answered": {"code": "code", "ok": ["0"]}}
    with pytest.raises(AgencyError, match=r"a dead token belongs under answered\.expired"):
        pulled(Office(wanted, shown, uses=1, dies_with=DIED), auth=auth, request=request)


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Evil: 1", "", None, True, {"a": 1}, "密"])
def test_a_token_that_no_header_may_hold_is_no_token(token, pulled):
    with pytest.raises(AgencyError, match="no token was granted"):
        pulled(lambda _: Reply({"access_token": token}), auth=OAUTH)


SAID = json.dumps({"code": 1001, "msg": f"用户名或密码错误 {SECRET}"}).encode()
AS_JSON = GRANTED["as JSON"][0]


@pytest.mark.parametrize(
    ("auth", "reply", "told"),
    [
        (
            {**AS_JSON, "token": "access_token"},
            in_data(1)[0],
            r"holds none at access_token; it has code, data.token, data.lives\.",
        ),
        (AS_JSON, Reply({"code": 500, "data": {"reason": "canary-reason"}}), r"it has code, data.reason"),
        *((auth, Reply(b"<html>login</html>"), "a page of HTML.*open the address") for auth in (OAUTH, AS_JSON)),
        *(
            (auth, Reply(SAID), r"It says code 1001, msg 用户名或密码错误 \*\*\*\.")
            for auth in (OAUTH, LOGIN, {**LOGIN, "token": "data.session"})
        ),
        (OAUTH, Reply({}, 401), r"no token was granted \(status 401\)"),
        (OAUTH, Reply({}, 404), r"no token was granted \(status 404\).*compare token_path"),
        (LOGIN, Reply({}, 401), r"the login failed \(status 401\).*check user and password"),
        (LOGIN, Reply({}, 405), r"the login failed \(status 405\).*compare login_path"),
    ],
)
def test_a_refusal_in_place_of_a_token_is_told_by_names_and_usual_words_without_our_secret(auth, reply, told, pulled):
    with pytest.raises(AgencyError, match=told) as caught:
        pulled(lambda _: reply, auth=auth, request=CODED)
    assert SECRET not in str(caught.value)
    assert "canary" not in str(caught.value)


def test_an_agency_that_asks_for_no_proof_gets_none(pulled):
    for auth in ("none", {"kind": "none"}):
        assert len(ids(pulled(guarded(lambda sent: "authorization" not in sent.headers), auth=auth))) == 25


def test_a_token_endpoint_that_is_down_is_transient(pulled):
    with pytest.raises(TransientError, match="the token endpoint answers 503"):
        pulled(lambda _: Reply({}, 503), auth=OAUTH, retry_seconds=1.5)


def test_a_key_in_the_query_stays_out_of_what_is_kept_and_said(variables):
    answers = iter([Reply({"items": [{"id": 1}], "next": "?page=2"}), Reply({}, 404)])
    with serve(lambda _: next(answers)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = rest.pull(ask_of(auth=simple("api_key ")[0], paginator={"kind": "next_link", "next": "next"}))
        assert SECRET not in str(next(pages).next_cursor)
        with pytest.raises(AgencyError) as caught:
            next(pages)
        assert [sent.query.get("key") for sent in agency.seen] == [SECRET, SECRET]
    assert SECRET not in str(caught.value)
