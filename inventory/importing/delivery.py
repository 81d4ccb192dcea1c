"""What was sent: which file is the feed of which table, and the id that knows the same delivery again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inventory.contract import CONTRACT_VERSION, TABLES, Table
from inventory.errors import ContractError, UnreadableFeedError
from inventory.importing.mapping import Mapping
from inventory.importing.readers import SUFFIXES
from inventory.record import canonical_record, digest_text


@dataclass(frozen=True)
class FeedFile:
    """One feed of a delivery."""

    table: str
    path: Path
    digest: str
    """SHA-256 of the content when the delivery was identified."""

    def content(self) -> bytes:
        """The bytes; ``UnreadableFeedError`` if they are not those the delivery was identified by."""
        data = _content(self.path)
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise UnreadableFeedError(f"{self.path.name}: changed while it was being read; send it again")
        return data


@dataclass(frozen=True)
class Delivery:
    """The feeds of one delivery, in the contract's order."""

    import_id: str
    feeds: tuple[FeedFile, ...]
    ignored: tuple[str, ...]
    """Names of files that looked like feeds but belong to no table."""


def find_delivery(paths: Path | Sequence[Path], mapping: Mapping, as_of: datetime | None) -> Delivery:
    """The delivery a folder, a file or several files make up.

    Parameters
    ----------
    paths
        A folder, of which every file with a feed's name is taken, or the files themselves.
    mapping
        Names the files of tables whose files are not named after them.
    as_of
        The moment the sender states, if any; part of the identity.

    Returns
    -------
    Delivery
        Its id is a digest over mapping, moment and contents: sent again, it is the same.

    Raises
    ------
    ContractError
        If there is nothing to read, two files claim one table, or a named file belongs to no table.
    """
    one_folder = isinstance(paths, Path) and paths.is_dir()
    candidates = _candidates(paths)
    taken = {table.name: _files_of(table, candidates, mapping) for table in TABLES}
    for name, files in taken.items():
        if len(files) > 1:
            raise ContractError(
                f"table {name} is given by {' and '.join(path.name for path in files)}; send one of them"
            )
    used = {path for files in taken.values() for path in files}
    ignored = tuple(path.name for path in candidates if path not in used)
    if ignored and not one_folder:
        raise ContractError(f"{', '.join(ignored)}: belongs to no table of the contract; name it in a mapping file")
    feeds = tuple(
        FeedFile(name, path, hashlib.sha256(_content(path)).hexdigest())
        for name, files in taken.items()
        for path in files
    )
    if not feeds:
        raise ContractError(f"nothing to import: no file is named after a table, as stock{SUFFIXES[0]}")
    moment = as_of.astimezone(UTC).isoformat() if as_of else ""
    contents = (f"{feed.table} {feed.path.suffix.lower()} {feed.digest}" for feed in feeds)
    identity = digest_text(str(CONTRACT_VERSION), canonical_record(mapping), moment, *contents)
    return Delivery(f"import-{identity[:32]}", feeds, ignored)


def _candidates(paths: Path | Sequence[Path]) -> list[Path]:
    given = [paths] if isinstance(paths, Path) else list(paths)
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise UnreadableFeedError(f"{path.name}: there is no such file or folder")
    return found


def _files_of(table: Table, candidates: list[Path], mapping: Mapping) -> list[Path]:
    named = mapping.feed(table.name).file
    if named is None:
        return [path for path in candidates if path.stem == table.name and path.suffix.lower() in SUFFIXES]
    return [path for path in candidates if path.name == named]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFeedError(f"{path.name}: cannot be read: {error.strerror}") from error
