"""The floor with Arrow's own JSON reader, twenty pages at a time; nothing kept, nothing checked.

python benchmarks/pull/bare_arrow.py BASE_URL OUT
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
import requests
from clock import Clock

SIZE = 1000
PAGES_AT_ONCE = 20


def _table(bodies: list[bytes]) -> pa.Table:
    joined = b"\n".join(bodies)
    read = pj.read_json(pa.BufferReader(joined), read_options=pj.ReadOptions(block_size=len(joined) + 1))
    records = pa.concat_arrays([chunk.field("items").flatten() for chunk in read.column("data").chunks])
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(records)])


def main(base_url: str, out: Path) -> None:
    """Ask as many pages as the first answer declares; write twenty at a time."""
    clock = Clock()
    path, page, writer, bodies, pages = out / "statements.parquet", 1, None, [], 1
    with requests.Session() as session:
        session.headers["X-Api-Key"] = "bench"
        while page <= pages:
            answer = session.get(f"{base_url}/statements", params={"page": str(page), "size": str(SIZE)}, timeout=30)
            answer.raise_for_status()
            bodies.append(answer.content)
            if page == 1:
                pages = int(answer.content[:200].split(b'"pages":')[1].split(b",")[0])
            if len(bodies) == PAGES_AT_ONCE or page == pages:
                table = _table(bodies)
                writer = writer or pq.ParquetWriter(path, table.schema)
                writer.write_table(table)
                bodies = []
            page += 1
    if writer is not None:
        writer.close()
    clock.tell(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
