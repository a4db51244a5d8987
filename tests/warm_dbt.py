"""Imported by the fork server of `tests.forked_dbt` alone: what each build makes anew is made before the first fork.

dbt makes the schemas of its settings, and the code that reads and writes each kind of node, when they are first asked
for: nearly half of a build of one model. The parse that is read here is thrown away; each build reads its own.
"""

from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder

from editions.dbt_process import make_schemas
from editions.parse_cache import PARSE
from ledger.settings import PROJECT_DIR

make_schemas()
kept = PROJECT_DIR / "dbt_project" / "target" / PARSE
if kept.is_file():
    Manifest.from_msgpack(kept.read_bytes(), decoder=extended_mashumuro_decoder).build_flat_graph()
