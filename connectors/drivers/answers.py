"""What an answer must not hold, how it is decoded, and how an agency reports an error with HTTP 200."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from connectors.decoders.form import GRANT_ACCESS, HTML, FormError, form_of
from connectors.decoders.json_records import in_utf8
from connectors.drivers.retry import TryAgainError
from connectors.errors import AgencyError, ConnectorError, DataError, printable
from connectors.json_path import MissingFieldError, at_path, found_at
from connectors.json_text import MAX_WEIGHT_BYTES, NotJsonError, loads, loads_or_none
from connectors.spec import Answered, Decoder, JsonDecoder, XmlDecoder

SHORTEST_SECRET = 8
"""Characters: a shorter secret stands in many an answer by chance."""

IN_FLIGHT_BYTES = 512 * 1024 * 1024
"""About how much memory the values of all answers in flight may take; of one answer `loads` has its own bound.

It is an estimate: of decimals, and of records with names in Chinese, the values take up to 1.7 times as much.
"""

LONGEST_MESSAGE = 200
_LOOK_UP = "look the code up in the agency's document; the code of a dead token belongs under answered.expired"


class _SecondTimeError(Exception):
    """An answer that another attempt may turn into a good one; where it does not, its connector error is raised."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__(error.what)
        self.error = error


class TokenDiedError(_SecondTimeError):
    """A new token or session may help."""


class UnreadableError(_SecondTimeError):
    """A body of another form than expected."""


class Secrets:
    """The source's own secrets, searched for in every answer, in the forms in which they may come back."""

    def __init__(self, live: Callable[[], tuple[str, ...]], encodings: tuple[str, ...], where: str) -> None:
        self._live, self._encodings, self._where = live, encodings, where
        self._forms = lru_cache(maxsize=8)(self._all_forms)

    def refuse_in(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise an `AgencyError` for an answer that repeats a secret: raw pages are kept for ever."""
        # Many servers set a session's cookie again; headers are not kept.
        head = "\n".join(value for name, value in headers.items() if name.lower() != "set-cookie")
        shown = head.encode("utf-8", "replace")
        if any(form in body or form in shown for form in self._forms(self._live())):
            raise AgencyError(
                "the answer repeats our secret.",
                self._where,
                "change that secret, and tell the agency what it sends back",
            )

    def without(self, text: str) -> str:
        """A text of the agency's for a message of ours: short, printable, and with no secret of any length in it."""
        for secret in self._live():
            text = text.replace(secret, "***")
        return printable(text, LONGEST_MESSAGE)

    def _all_forms(self, secrets: tuple[str, ...]) -> frozenset[bytes]:
        forms: set[bytes] = set()
        for secret in (one for one in secrets if len(one) >= SHORTEST_SECRET):
            inside_json = [json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)]
            texts = {secret, quote(secret, safe=""), *inside_json}
            # Many a server escapes the solidus in JSON.
            texts |= {text.replace("/", "\\/") for text in texts}
            forms |= {text.encode("utf-8", "surrogateescape") for text in texts}
            for name in self._encodings:
                # Without a byte order mark: it stands before the text, not before each word.
                codecs = ("utf-16-le", "utf-16-be") if name == "utf-16" else (name,)
                forms |= {secret.encode(codec, "replace") for codec in codecs}
        return frozenset(forms)


def decoded(body: bytes, decoder: Decoder | None, may_be_empty: bool, in_flight: int, where: str) -> Any:
    """The JSON of a body, None for another form. `decoder` is None for an answer that is no page of records.

    Raises TryAgainError for what is cut short and may come whole the next time, `UnreadableError` for any other form.
    """
    if not is_json(decoder):
        if not body and not may_be_empty:
            raise TryAgainError("the body is empty")
        if not isinstance(decoder, XmlDecoder) and form_of(body) == HTML:
            raise UnreadableError(AgencyError(f"the answer is {HTML}.", where, GRANT_ACCESS))
        return None
    if not body.strip() and may_be_empty:
        return None
    return _json_of(body, decoder, min(MAX_WEIGHT_BYTES, IN_FLIGHT_BYTES // in_flight), where)


def _json_of(body: bytes, decoder: Decoder | None, most_bytes: int, where: str) -> Any:
    try:
        return loads(in_utf8(decoder, body) if isinstance(decoder, JsonDecoder) else body, most_bytes)
    except NotJsonError as error:
        what = f"the answer is no JSON: {error}"
        if error.is_cut:
            raise TryAgainError(what) from None
        next_step = GRANT_ACCESS if HTML in what else "compare the answer with the agency's document, or call them"
        if not body.strip():
            next_step = "declare none: true under decoder if that means no record"
        raise UnreadableError(AgencyError(f"{what}.", where, next_step)) from None
    except RecursionError:
        problem = DataError("the answer is nested deeper than any record.", where, "call the agency with this page")
        raise UnreadableError(problem) from None
    except ValueError as error:
        next_step = "ask for smaller pages in the source file, or with fewer connections"
        raise DataError(f"the answer cannot be read: {error}.", where, next_step) from None
    except FormError as error:
        raise UnreadableError(DataError(error.what, where, error.next_step)) from None


def is_json(decoder: Decoder | None) -> bool:
    """Whether the driver must look into a body of this form."""
    return decoder is None or (isinstance(decoder, JsonDecoder) and decoder.archive is None)


def check_answered(answered: Answered, body: bytes, value: Any, where: str, without: Callable[[str], str]) -> None:
    """Read the result code of a body that came with HTTP 200: busy is tried again, a refusal is an `AgencyError`.

    An agency that sends files reports errors in JSON all the same; a file is no refusal.
    """
    is_file = value is None
    if is_file:
        value = _refusal_in(body)
    try:
        code = at_path(value, answered.code)
    except MissingFieldError as error:
        if is_file:
            return
        raise AgencyError(f"{error}.", where, "compare the answer with the source file") from None
    code = str(code).lower() if isinstance(code, bool) else str(code)
    if code in answered.ok:
        return
    if code in answered.retry:
        raise TryAgainError(f"the agency answers with code {without(code)}")
    message = None if answered.message is None else found_at(value, answered.message)
    said = "" if message is None else f" ({without(str(message))})"
    refused = AgencyError(f"the agency rejected the request with code {without(code)}{said}.", where, _LOOK_UP)
    raise TokenDiedError(refused) if code in answered.expired else refused


def _refusal_in(body: bytes) -> Any:
    # A refusal is a short object; whatever is longer, or begins otherwise, is the file that was asked for.
    is_refusal = body[:64].lstrip().startswith(b"{") and len(body) <= 1 << 16
    return loads_or_none(body) if is_refusal else None
