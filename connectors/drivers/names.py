"""Which dataset a file name belongs to: this one, another of the source, almost this one, or none."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from connectors.file_order import rises
from connectors.spec import FileRequest, Flag, Manifest, Source

_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".swp", ".crdownload", ".uploading")
"""How programs name a file that they are still writing: it is counted, and taken once it has its own name."""
_BESIDE = ("~$", "._", ".~lock.")
"""How Office, a Mac and LibreOffice name what they keep beside a file that they have open or copied."""


def is_scratch(name: str, pattern: str) -> bool:
    """Whether it is a program's own file, or one still being written unless the pattern has that ending."""
    plain = _folded(name)
    return name.startswith(_BESIDE) or any(plain.endswith(one) and not pattern.endswith(one) for one in _UNFINISHED)


def matches(name: str, pattern: str) -> bool:
    """Whether a name, or the last part of one that is a path, has the form of the pattern."""
    return fnmatchcase(name, pattern) or fnmatchcase(re.split(r"[/\\]", name)[-1], pattern)


def matches_loosely(name: str, pattern: str) -> bool:
    """The same but for letter case, Unicode form, width, blanks around it, or bytes of GB18030 in place of UTF-8."""
    return any(matches(_folded(one), _folded(pattern)) for one in _readings(name))


def is_companion(name: str, request: FileRequest) -> bool:
    """Whether it is a flag or a manifest, which marks other files as whole and is no data itself."""
    match request.ready:
        case Flag(suffix=suffix):
            return name.endswith(suffix) and (
                matches(name, request.pattern) or matches_loosely(name.removesuffix(suffix), request.pattern)
            )
        case Manifest(pattern=pattern):
            return fnmatchcase(name, pattern)
    return False


def is_of_sibling(name: str, source: Source, own: FileRequest, fits: Callable[[str, str], bool]) -> bool:
    """Whether another dataset of the same source takes it from the same folder, by `matches` or `matches_loosely`."""
    return any(
        fits(name, request.pattern) or is_companion(name, request)
        for request in (one.request for one in source.datasets)
        if isinstance(request, FileRequest)
        and request is not own
        and PurePosixPath(request.folder) == PurePosixPath(own.folder)
    )


def near(names: Iterable[str], pattern: str, there: Iterable[str], held: Iterable[str]) -> list[str]:
    """Those named as our files are but for their ending, where none of ours stands or stood under that name.

    A name counts as ours where it is that of a file that is `there` or `held` but for its figures, unless one of those
    is later by its figures: what lies beside older files is no delivery. Where none was ever seen, a name counts where
    it fits the pattern and has a figure.
    """
    full, ours = {_folded(one) for one in held}, {_stem(_folded(one)) for one in there}
    seen: dict[str, set[tuple[int, ...]]] = {}
    for one in ours | {_stem(one) for one in full}:
        seen.setdefault(_shape(one), set()).add(_figures(one))
    wanted = _stem(_folded(pattern))
    # A pattern such as `*.csv` says nothing of the names that belong here.
    is_telling = sum(one.isalnum() for one in wanted) > 1

    def is_later(figures: tuple[int, ...], known: set[tuple[int, ...]]) -> bool:
        is_beside = ours and figures in known
        return bool(known) and not is_beside and not any(rises(figures, one) for one in known)

    def is_near(name: str) -> bool:
        plain = _folded(name)
        stems = _stems(plain)
        if plain.endswith(_UNFINISHED) or plain.startswith((".", "~")) or stems & (ours | full):
            return False
        if seen:
            return any(is_later(_figures(stem), seen.get(_shape(stem), set())) for stem in stems)
        return is_telling and any(fnmatchcase(stem, wanted) and re.search(r"\d", stem) for stem in stems)

    return [name for name in names if is_near(name)]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _readings(name: str) -> tuple[str, ...]:
    """The name, and what its bytes say as GB18030 where they are no UTF-8."""
    if name.isascii() or not any("\udc80" <= one <= "\udcff" for one in name):
        return (name,)
    return (name, name.encode("utf-8", "surrogateescape").decode("gb18030", "replace"))


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _stems(name: str) -> set[str]:
    """The name, and what is left of it as one ending after the other goes."""
    found = {name}
    while "." in name[1:]:
        name = name.rpartition(".")[0]
        found.add(name)
    return found


def _figures(stem: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", stem)))


def _shape(stem: str) -> str:
    return re.sub(r"\d+", "0", stem)
