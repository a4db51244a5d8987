"""Sending the text of an event by mail: to all recipients, or to none."""

import smtplib
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from itertools import chain
from typing import Any

from connectors.drivers.addresses import checked_addresses, read_host, read_port
from connectors.drivers.answers import LONGEST_MESSAGE
from connectors.drivers.http_exchange import tls_fault
from connectors.drivers.retry import RELAY_AGAIN, OutOfTimeError, budget, not_now, within
from connectors.errors import AgencyError, ConfigError, LineDeadError, TransientError, printable
from connectors.json_text import loads
from connectors.sink_files import MailConnection, NoticeSink
from ledger.settings import Settings, read_variable

QUIT_SECONDS = 5


def push(sink: NoticeSink, body: bytes, settings: Settings) -> None:
    """Hand one mail to the server. One attempt; its Message-ID holds the event's id, by which a repeat is known."""
    connection = sink.mailed_to
    held = {name: read_variable(one.env, sink.name) for name, one in connection.needed().items()}
    mail = _mail(sink, held["sender"], held["to"], loads(body))
    host, port = read_host(connection.host, sink.name), read_port(connection.port, sink.name)

    def work() -> smtplib.SMTP:
        server = _server(connection, held, host, port, settings, sink.name)
        try:
            _hand_over(server, mail)
        except BaseException:
            _leave(server)
            raise
        return server

    try:
        with budget(settings.retry_seconds):
            server = within(work, "the mail server gives no whole answer in time")
    except OutOfTimeError as error:
        raise not_now(error, sink.name) from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        what = f"the mail server answers {error.smtp_code} ({printable(said, LONGEST_MESSAGE)})."
        if error.smtp_code < 0:
            what = "what answers there is no mail server."
            raise AgencyError(what, sink.name, "compare host and port of its file, then jifen sink check") from None
        if error.smtp_code in range(400, 500):
            raise TransientError(what, sink.name, RELAY_AGAIN) from None
        raise AgencyError(what, sink.name, "look at its account, sender and recipients") from None
    except smtplib.SMTPNotSupportedError as error:
        what = f"the mail server does not offer what we need ({printable(str(error), LONGEST_MESSAGE)})."
        raise ConfigError(what, sink.name, "compare tls, user and password in the sink file with the server") from None
    except (smtplib.SMTPException, OSError) as error:
        fault = tls_fault(error)
        what = f"{fault}." if fault else f"the mail server does not answer ({type(error).__name__})."
        raise LineDeadError(what, sink.name, RELAY_AGAIN) from None
    _leave(server)


def _leave(server: smtplib.SMTP) -> None:
    """End the session. The mail is accepted or refused by now: whatever is answered to QUIT changes nothing of that."""
    with suppress(OutOfTimeError, smtplib.SMTPException, OSError), budget(QUIT_SECONDS):
        within(server.quit, "no answer to QUIT")
    server.close()


def _mail(sink: NoticeSink, sender: str, to: str, event: dict[str, Any]) -> EmailMessage:
    # Of 7 bits: a server may not offer 8BITMIME.
    mail = EmailMessage(SMTP_POLICY.clone(cte_type="7bit"))
    try:
        if not (sender + to).isascii():
            raise ValueError("SMTP without SMTPUTF8 has no such address")
        address = Address(addr_spec=sender)
        mail["From"], mail["To"] = address, [Address(addr_spec=one) for one in to.replace(",", " ").split()]
    except (ValueError, IndexError, MessageError):
        what = "the sender or a recipient is no mail address."
        raise ConfigError(what, sink.name, "fix the variables of sender and to, blanks between several") from None
    mail["Subject"] = event["data"]["title"]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{event['id']}@{address.domain}>"
    mail.set_content(event["data"]["text"])
    return mail


def _server(
    connection: MailConnection, held: dict[str, str], host: str, port: int, settings: Settings, where: str
) -> smtplib.SMTP:
    """A session with the server: encrypted, its certificate checked, and logged in where there is an account."""

    class Checked(smtplib.SMTP):
        """Connects to a checked address; TLS is checked by the name."""

        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            failed = OSError("the name has no address")
            for address in checked_addresses(host, port, settings, where):
                try:
                    return socket.create_connection((address, port), timeout)
                except OSError as error:
                    failed = error
            raise failed

    class CheckedTls(smtplib.SMTP_SSL, Checked):
        """The same over TLS from the first byte."""

    timeout = settings.request_timeout_seconds
    context = ssl.create_default_context()
    if connection.tls == "tls":
        server: smtplib.SMTP = CheckedTls(host, port, timeout=timeout, context=context)
    else:
        server = Checked(host, port, timeout=timeout)
    try:
        if connection.tls == "starttls":
            server.starttls(context=context)
        if "user" in held:
            server.login(held["user"], held["password"])
    except BaseException:
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    """Name every recipient first: where one is refused no mail is sent, so that a retry sends no copy twice."""
    server.ehlo_or_helo_if_needed()
    answers = chain(
        (server.mail(one.addr_spec) for one in mail["From"].addresses),
        (server.rcpt(one.addr_spec) for one in mail["To"].addresses),
    )
    for code, said in answers:
        if code not in (250, 251):
            raise smtplib.SMTPResponseException(code, said)
    code, said = server.data(mail.as_bytes())
    if code != 250:
        raise smtplib.SMTPDataError(code, said)
