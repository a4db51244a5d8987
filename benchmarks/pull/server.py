"""The loopback agency of the benchmark: tax statements, a page at a time, from bodies made before the first request.

Its own CPU is not what is measured, but it shares the machine: so it speaks only as much HTTP as the clients need
(GET, keep-alive, no body in the request) and copies bytes.

    python benchmarks/pull/server.py --records 200000 --size 1000 --latency-ms 0 [--in-key-order]

prints one line, the address, and serves until its standard input is closed.
"""

import argparse
import asyncio
import json
import random
import sys
from urllib.parse import parse_qs, urlsplit

BLOCK = 200_000
"""Records made once. Pages beyond them are the same records in another fiscal year."""

FIRST_YEAR = 2015
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PARTS = (
    "高新区",
    "经开区",
    "光谷",
    "张江",
    "临港",
    "华",
    "创",
    "科",
    "智",
    "信",
    "达",
    "通",
    "新能源",
    "半导体",
    "精密",
)


def main() -> None:
    """Make the pages, serve them, stop when the parent process closes our standard input."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=BLOCK)
    arguments.add_argument("--size", type=int, default=1000)
    arguments.add_argument("--latency-ms", type=float, default=0.0)
    arguments.add_argument("--in-key-order", action="store_true", help="records by code; shuffled otherwise")
    given = arguments.parse_args()
    if given.records % given.size or BLOCK % given.size:
        arguments.error(f"--records and {BLOCK} must be a multiple of --size: every page is full")
    pages = _pages(min(given.records, BLOCK), given.size, is_shuffled=not given.in_key_order)
    asyncio.run(_serve(pages, given.records, given.size, given.latency_ms / 1000))


def _pages(records: int, size: int, *, is_shuffled: bool) -> list[bytes]:
    """The records of each page as the inside of a JSON array, in the fiscal year `FIRST_YEAR`.

    An agency lists them as they were filed, which is no order of its key: a client that sorts has to pay for it.
    """
    rng = random.Random(7)  # noqa: S311 - the same records for every client and every run
    rows = [json.dumps(_record(rng, number), ensure_ascii=False, separators=(",", ":")) for number in range(records)]
    if is_shuffled:
        rng.shuffle(rows)
    return [",".join(rows[at : at + size]).encode() for at in range(0, records, size)]


def _record(rng: random.Random, number: int) -> dict[str, object]:
    """One statement: code, name, year, day of filing, two amounts as text and two as numbers."""
    revenue = rng.randrange(10_000_00, 900_000_000_00)
    return {
        "nsrsbh": _code(number),
        "nsrmc": "".join(rng.choices(PARTS, k=4)) + f"{number % 1000:03d}股份有限公司",
        "ssnd": FIRST_YEAR,
        "sbrq": f"2024-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "yysr": f"{revenue / 100:.2f}",
        "yffy": f"{rng.randrange(0, revenue // 10) / 100:.2f}",
        "jlr": rng.randrange(-revenue // 10, revenue // 5) / 100,
        "ldzchj": rng.randrange(0, revenue) / 100,
    }


def _code(number: int) -> str:
    """A unified social credit code that is made up and passes its check."""
    body = f"91440300MA{number:07d}"
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def _answer(pages: list[bytes], records: int, size: int, target: str) -> bytes:
    """The whole response to one request line; beyond the last page the list is empty."""
    page = int(parse_qs(urlsplit(target).query).get("page", ["1"])[0]) - 1
    items = b""
    if page * size < records:
        year = FIRST_YEAR + page // len(pages)
        items = pages[page % len(pages)].replace(b'"ssnd":%d,' % FIRST_YEAR, b'"ssnd":%d,' % year)
    body = b'{"code":0,"data":{"total":%d,"pages":%d,"items":[%b]}}' % (records, records // size, items)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class _Connection(asyncio.Protocol):
    """One kept-alive connection: requests without bodies, answered in order."""

    def __init__(self, pages: list[bytes], records: int, size: int, latency: float) -> None:
        self._pages, self._records, self._size, self._latency = pages, records, size, latency
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            target = self._waiting.split(b" ", 2)[1].decode()
            self._waiting = self._waiting[end + 4 :]
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, target)
            else:
                self._send(target)

    def _send(self, target: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(_answer(self._pages, self._records, self._size, target))


async def _serve(pages: list[bytes], records: int, size: int, latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(pages, records, size, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - its one line of output
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    main()
