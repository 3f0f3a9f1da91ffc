"""A whole installation in one file: every collection, all media, posters and secrets, with checksums.

The database is read collection by collection while the hub may run: documents are whole, each collection is as of its
own moment. Media files are immutable once written, so a running event's recording is carried as far as it has got.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import bson

from config.mongodb import Database

FORMAT = 1
KEPT = ("media", "posters", "token.secret")
"""What of the data directory is not in MongoDB. The embedded servers' own files are not carried."""
BATCH = 500
SPOOL_BYTES = 8 * 1024 * 1024
"""A collection up to this size stays in memory on its way; a larger one takes a temporary file."""
COPY_BYTES = 1024 * 1024
MANIFEST = "manifest.json"


class BackupError(Exception):
    """The backup cannot be made or restored; the message says why and what to do."""


async def write_backup(database: Database, data_dir: Path, target: Path) -> int:
    """Write everything to `target` (a tar file, complete or not there at all). Returns the number of documents."""
    draft = target.with_name(target.name + ".part")
    checksums: dict[str, str] = {}
    count = 0
    with await asyncio.to_thread(tarfile.open, draft, "w") as archive:
        for name in sorted(await database.list_collection_names()):
            with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as documents:
                async for document in database[name].find({}, batch_size=BATCH):
                    documents.write(bson.encode(document))
                    count += 1
                checksums[f"mongodb/{name}.bson"] = await asyncio.to_thread(
                    _add, archive, f"mongodb/{name}.bson", documents
                )
        for path in await asyncio.to_thread(_files, data_dir):
            name = f"data/{path.relative_to(data_dir)}"
            checksums[name] = await asyncio.to_thread(_add_file, archive, name, path)
        manifest = {"format": FORMAT, "made_at": time.time(), "documents": count, "sha256": checksums}
        await asyncio.to_thread(_add, archive, MANIFEST, io.BytesIO(json.dumps(manifest).encode()))
    await asyncio.to_thread(draft.replace, target)
    return count


async def restore_backup(database: Database, data_dir: Path, source: Path, *, force: bool) -> int:
    """Bring everything back. Refuses an installation that holds events already, unless forced (it is replaced then).

    Nothing is touched before the whole file has been read and its checksums hold. Returns the number of documents.
    """
    if not force and await database.events.find_one({}) is not None:
        raise BackupError("this installation holds events already; restore into an empty one, or use --force")
    try:
        archive = await asyncio.to_thread(tarfile.open, source, "r")
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{source} cannot be read: {error}") from None
    with archive:
        names = await asyncio.to_thread(_checked_names, archive, source, data_dir)
        for name in await database.list_collection_names():
            await database[name].drop()
        count = 0
        for name in names:
            kind, _, rest = name.partition("/")
            if kind == "mongodb":
                count += await _restore_collection(database, rest.removesuffix(".bson"), _member(archive, name))
            else:
                await asyncio.to_thread(_put, data_dir / rest, _member(archive, name))
    return count


async def _restore_collection(database: Database, name: str, source: IO[bytes]) -> int:
    documents = bson.decode_file_iter(source)
    count = 0
    while batch := await asyncio.to_thread(_next, documents):
        await database[name].insert_many(batch)
        count += len(batch)
    return count


def _next(documents: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [document for _, document in zip(range(BATCH), documents, strict=False)]


def _checked_names(archive: tarfile.TarFile, source: Path, data_dir: Path) -> list[str]:
    """The names of what the archive holds. BackupError when anything in it is missing, damaged or out of place."""
    try:
        manifest = json.load(_member(archive, MANIFEST))
    except ValueError:
        raise BackupError(f"{source} is damaged: its list of contents cannot be read") from None
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} has format {manifest.get('format')}; this version reads {FORMAT}")
    for name, checksum in manifest["sha256"].items():
        kind, _, rest = name.partition("/")
        if kind not in ("mongodb", "data") or not (data_dir / rest).resolve().is_relative_to(data_dir.resolve()):
            raise BackupError(f"{source} names something that does not belong into a backup: {name}")
        digest = hashlib.sha256()
        member = _member(archive, name)
        while piece := member.read(COPY_BYTES):
            digest.update(piece)
        if digest.hexdigest() != checksum:
            raise BackupError(f"{name} in {source} is damaged; nothing was restored")
    return list(manifest["sha256"])


def _files(data_dir: Path) -> list[Path]:
    kept = [data_dir / name for name in KEPT]
    inside = [file for path in kept if path.is_dir() for file in sorted(path.rglob("*")) if file.suffix != ".part"]
    return [path for path in (*kept, *inside) if path.is_file()]


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> str:
    with path.open("rb") as content:
        return _add(archive, name, content)


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> str:
    """Append a member; the SHA-256 of what was written, in hex."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = content.seek(0, io.SEEK_END), int(time.time()), 0o600
    content.seek(0)
    summed = _Summed(content)
    archive.addfile(entry, summed)
    return summed.digest.hexdigest()


class _Summed(io.RawIOBase):
    """A file that sums what is read from it."""

    def __init__(self, content: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._content = content

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        self.digest.update(piece)
        return piece


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        member = archive.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise BackupError(f"the backup has no {name}; it is not complete")
    return member


def _put(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        while piece := content.read(COPY_BYTES):
            target.write(piece)
    if path.suffix == ".secret":
        path.chmod(0o600)
