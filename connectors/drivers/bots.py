"""Posting a text to a chat group's bot: WeCom 企业微信, DingTalk 钉钉, Feishu 飞书. Only their code 0 is a receipt."""

import base64
import hashlib
import hmac
import json
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from pydantic import Field
from requests.adapters import HTTPAdapter

from connectors.drivers.webhook import posted, prepared
from connectors.errors import LineDeadError, TransientError
from connectors.json_text import loads
from connectors.sink_files import NoticeSink
from connectors.spec import Answered
from connectors.strict import Strict
from ledger.outbox import Limits
from ledger.settings import PROJECT_DIR, Settings, read_variable
from ledger.yaml_file import read_yaml

FILE = PROJECT_DIR / "connectors" / "bots.yml"
CUT = "……（全文见 jifen outbox show）"


class Bot(Strict):
    """What `bots.yml` says of one."""

    body: dict[str, Any]
    text: tuple[str, str]
    most_bytes: int = Field(gt=100)
    limits: Limits
    wait_seconds: float
    answered: Answered


@lru_cache
def bots() -> dict[str, Bot]:
    """Every bot by the name of its driver."""
    return {name: Bot.model_validate(bot) for name, bot in read_yaml(FILE.read_bytes()).items()}


def push(sink: NoticeSink, body: bytes, settings: Settings, adapter: HTTPAdapter | None = None) -> None:
    """Post the text of an event. One attempt; a bot has no place for an id: a repeat is a second message there."""
    bot, connection = bots()[sink.driver], sink.posted_to
    url = read_variable(connection.url.env, sink.name)
    secret = read_variable(connection.secret.env, sink.name) if connection.secret else ""
    part, name = bot.text
    # Feishu and WeCom call people by a tag in the text, and what an agency said may stand in it.
    text = loads(body)["data"]["text"].replace("<", "＜")
    content = {**bot.body, part: {name: shortened(text, bot.most_bytes)}}
    if secret:
        url, content = _SIGNED[sink.driver](url, content, secret)
    posted_bytes = json.dumps(content, ensure_ascii=False).encode()
    sent = prepared(sink, url, {"Content-Type": "application/json; charset=utf-8"}, posted_bytes)
    judged = sink.model_copy(update={"answered": bot.answered})
    try:
        posted(judged, sent, (secret, url), settings, adapter)
    except TransientError as error:
        if not isinstance(error, LineDeadError):
            error.retry_after = max(error.retry_after or 0.0, bot.wait_seconds)
        raise


def shortened(text: str, most_bytes: int) -> str:
    """As many whole lines of a text as fit, then a line that says that it was cut; of a long first line its start."""
    if len(text.encode()) <= most_bytes:
        return text
    kept: list[str] = []
    left = most_bytes - len(CUT.encode())
    for line in text.splitlines():
        if len(line.encode()) + 1 > left:
            kept += [] if kept else [line.encode()[: left - 1].decode("utf-8", "ignore")]
            break
        left -= len(line.encode()) + 1
        kept.append(line)
    return "\n".join([*kept, CUT])


def _mac(key: str, content: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), content.encode(), hashlib.sha256).digest()).decode()


def _by_dingtalk(url: str, content: dict[str, Any], secret: str) -> tuple[str, dict[str, Any]]:
    at = str(int(time.time() * 1000))
    return f"{url}&{urlencode({'timestamp': at, 'sign': _mac(secret, chr(10).join((at, secret)))})}", content


def _by_feishu(url: str, content: dict[str, Any], secret: str) -> tuple[str, dict[str, Any]]:
    at = str(int(time.time()))
    return url, {"timestamp": at, "sign": _mac(f"{at}\n{secret}", ""), **content}


_SIGNED = {"dingtalk": _by_dingtalk, "feishu": _by_feishu}
