"""Posting one CloudEvents message to a webhook, signed; only an answer in the 200s counts as received."""

import hashlib
import hmac

import requests

from connectors.drivers.retry import TryAgainError, call_with_retry, retry_after_seconds
from connectors.errors import AgencyError
from connectors.sink_files import NoticeSink
from ledger.settings import Settings, read_variable


def push(sink: NoticeSink, body: bytes, settings: Settings) -> None:
    """Post the body (structured-mode CloudEvents JSON). The message's id lets the receiver drop a repetition."""
    url = read_variable(sink.connection.url.env, sink.name)
    secret = read_variable(sink.connection.secret.env, sink.name).encode()
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "X-Jifen-Signature": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }

    def attempt() -> None:
        try:
            answer = requests.post(
                url, data=body, headers=headers, timeout=settings.request_timeout_seconds, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TryAgainError(f"the channel does not answer ({type(error).__name__})") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise TryAgainError(
                f"the channel answers {answer.status_code}", retry_after_seconds(answer.headers.get("Retry-After"))
            )
        if not 200 <= answer.status_code < 300:
            raise AgencyError(
                f"the channel refuses the message with {answer.status_code}.", sink.name, "check its secret and address"
            )

    call_with_retry(attempt, sink.name, settings.retry_seconds)
