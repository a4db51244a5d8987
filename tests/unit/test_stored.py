"""What a build reads is what landed: a file that is not is made again from raw, or stops the night by its name."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors import stored
from connectors.errors import DataError
from connectors.landing import landed_path
from connectors.refusals import quarantine_path, read_lines
from connectors.replay import replay
from connectors.stored import Store, require_stored
from connectors.zone import Zone
from ledger.batches import landed_batches, pages_of_dataset
from ledger.data_folder import raw_path
from ledger.files import file_sha256
from ledger.journal import breaks, entries
from ledger.tables import batches
from tests.declared import source_of
from tests.unit.conftest import DAY
from tests.unit.refusing import GOOD, deliver, record

NEXT = DAY + timedelta(days=1)


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    return bytes(content)


DAMAGES = {
    "flipped": flipped,
    "truncated": lambda path: path.read_bytes()[:-9],
    "longer": lambda path: path.read_bytes() + b"\n",
    "empty": lambda _: b"",
    "missing": None,
}


def damage(path, kind):
    path.parent.chmod(0o700)
    content = DAMAGES[kind]
    new = None if content is None else content(path)
    path.unlink()
    if new is not None:
        path.write_bytes(new)


class Held:
    """Two nights of one dataset, each with a record refused, and the files they left."""

    def __init__(self, settings, ledger, dataset):
        self.settings, self.ledger, self.dataset = settings, ledger, dataset
        for day, revenue in ((DAY, "10.00"), (NEXT, "11.00")):
            self.last = deliver(settings, ledger, dataset, [record(revenue=revenue), record(uscc="wrong")], day=day)
        self.landed = landed_path(settings.data_dir, dataset.source, dataset.name, self.last)
        self.refused = quarantine_path(settings.data_dir, dataset.source, dataset.name, self.last)

    def check(self, **source):
        store = Store(self.settings, self.ledger, Zone(), {})
        return require_stored([source_of(self.dataset, **source)], store, NEXT)

    def raw_of_last(self):
        (*_, page) = pages_of_dataset(self.ledger, self.dataset.source, self.dataset.name)
        return raw_path(self.settings.data_dir, page["raw_sha256"])


@pytest.fixture(params=["snapshot", "upsert"])
def held(request, settings, ledger, make_dataset):
    return Held(settings, ledger, make_dataset(load=request.param))


def test_what_is_sound_is_left_alone_and_hashed_once(held, monkeypatch):
    hashed = []
    monkeypatch.setattr(stored, "file_sha256", lambda path: hashed.append(path) or file_sha256(path))
    store = Store(held.settings, held.ledger, Zone(), {})
    for _ in range(2):
        assert require_stored([source_of(held.dataset)], store, NEXT) == []
    assert len(hashed) == len(set(hashed)) == (2 if held.dataset.load == "snapshot" else 4)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("which", ["landed", "refused"])
def test_a_damaged_file_is_made_again_from_raw_to_the_byte(held, which, kind):
    path = getattr(held, which)
    before = path.read_bytes()
    damage(path, kind)
    assert held.check() == [str(path)]
    assert path.read_bytes() == before
    assert held.check() == []
    assert f"made again from raw: {path.name}" in entries(held.ledger)[-1]["content"]["because"]
    assert list(breaks(held.ledger, {})) == []


def test_both_files_of_both_nights_are_made_again_the_earlier_first(held):
    every = [path for folder in ("landed", "quarantine") for path in (held.settings.data_dir / folder).rglob("*.*")]
    before = {path: path.read_bytes() for path in every}
    for path in every:
        damage(path, "flipped")
    mended = held.check()
    assert {path: path.read_bytes() for path in every if str(path) in mended} == {
        path: content for path, content in before.items() if str(path) in mended
    }
    assert len(mended) == (2 if held.dataset.load == "snapshot" else 4)


def test_files_that_were_exchanged_are_seen(held):
    first = landed_path(held.settings.data_dir, "tax", "statements", f"{DAY}-001")
    one, two = first.read_bytes(), held.landed.read_bytes()
    for path, content in ((first, two), (held.landed, one)):
        path.unlink()
        path.write_bytes(content)
    assert str(held.landed) in held.check()
    assert held.landed.read_bytes() == two


def test_a_quarantine_file_that_nobody_wrote_is_taken_away(settings, ledger, make_dataset):
    dataset = make_dataset()
    batch = deliver(settings, ledger, dataset, [record()], day=DAY)
    path = quarantine_path(settings.data_dir, "tax", "statements", batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    assert require_stored([source_of(dataset)], Store(settings, ledger, Zone(), {}), DAY) == [str(path)]
    assert not path.exists()


@pytest.mark.parametrize("kind", ["flipped", "truncated", "missing"])
def test_where_raw_is_damaged_too_the_file_is_named_and_nothing_is_changed(held, kind):
    damage(held.landed, "flipped")
    damage(held.raw_of_last(), kind)
    wrong = held.landed.read_bytes()
    with pytest.raises(DataError) as stop:
        held.check()
    for told in (str(held.landed), str(held.raw_of_last()), "cannot be made again from raw", "Whose: data", "backup"):
        assert told in str(stop.value)
    assert held.landed.read_bytes() == wrong


def test_where_raw_reads_otherwise_than_then_the_file_is_not_replaced(held, make_dataset):
    damage(held.landed, "flipped")
    columns = [column.model_dump(exclude_unset=True) for column in held.dataset.columns][:-1]
    held.dataset = make_dataset(load=held.dataset.load, columns=columns)
    with pytest.raises(DataError, match=r"raw reads otherwise now.*the source file is another one than then"):
        held.check(sha256="fixed")


def test_a_batch_of_replayed_records_is_named_and_not_guessed_at(settings, ledger, make_dataset):
    dataset = make_dataset(load="upsert")
    batch = deliver(settings, ledger, dataset, [record(), record(uscc="wrong")], day=DAY)
    (line,) = read_lines(quarantine_path(settings.data_dir, "tax", "statements", batch))
    columns = [{**column.model_dump(exclude_unset=True), "check": None} for column in dataset.columns]
    loose = make_dataset(load="upsert", columns=columns)
    done = replay(loose, Zone(), settings, ledger, DAY, {line["raw_sha256"]: {line["position"]}})
    assert done.landed == 1
    damage(landed_path(settings.data_dir, "tax", "statements", done.batch), "flipped")
    with pytest.raises(DataError, match="records that were replayed"):
        require_stored([source_of(dataset)], Store(settings, ledger, Zone(), {}), DAY)


def forget_hashes(ledger):
    with ledger.begin() as connection:
        nothing = dict.fromkeys(("landed_sha256", "quarantine_sha256", "quarantine_lines"))
        connection.execute(update(batches).values(nothing))


def test_what_landed_before_files_were_hashed_is_checked_by_content_and_counts_once(held):
    forget_hashes(held.ledger)
    assert held.check() == []
    last = landed_batches(held.ledger, "tax", "statements", NEXT)[-1]
    assert last["landed_sha256"] == file_sha256(held.landed)
    assert (last["quarantine_sha256"], last["quarantine_lines"]) == (file_sha256(held.refused), 1)


@pytest.mark.parametrize("kind", ["truncated", "missing", "empty"])
@pytest.mark.parametrize("which", ["landed", "refused"])
def test_damage_from_before_files_were_hashed_is_seen_by_content_and_counts(held, which, kind):
    path = getattr(held, which)
    before = path.read_bytes()
    damage(path, kind)
    forget_hashes(held.ledger)
    assert held.check() == [str(path)]
    assert path.read_bytes() == before


def test_any_byte_of_any_file_is_seen(held):
    seeded = random.Random(20250630)
    for _ in range(20):
        path = seeded.choice([held.landed, held.refused])
        before = path.read_bytes()
        content = bytearray(before)
        content[seeded.randrange(len(content))] ^= 1 << seeded.randrange(8)
        path.chmod(0o600)
        path.write_bytes(content)
        assert held.check() == [str(path)]
        assert path.read_bytes() == before


def test_the_input_names_the_files_and_the_raw_objects_that_were_read(held):
    from connectors.inputs import resolve
    from connectors.pull import Pulled

    pulled = [Pulled("tax", "statements", False, "landed")]
    (one,) = resolve([source_of(held.dataset)], pulled, held.ledger, held.settings, NEXT)
    told = {held.settings.data_dir / path: sha256 for path, sha256 in one.files}
    assert told == {path: file_sha256(path) for path in told}
    assert {held.landed, held.refused} <= told.keys()
    assert held.raw_of_last().stem in one.raw[-1]
    assert GOOD not in str(one.files)
