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
import time
from pathlib import Path

import bson

from config.mongodb import Database

FORMAT = 1
KEPT = ("media", "posters", "token.secret")
"""What of the data directory is not in MongoDB. The embedded servers' own files are not carried."""
BATCH = 500
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
            documents = io.BytesIO()
            async for document in database[name].find({}, batch_size=BATCH):
                documents.write(bson.encode(document))
                count += 1
            await asyncio.to_thread(_add, archive, checksums, f"mongodb/{name}.bson", documents.getvalue())
        for path in await asyncio.to_thread(_files, data_dir):
            content = await asyncio.to_thread(path.read_bytes)
            await asyncio.to_thread(_add, archive, checksums, f"data/{path.relative_to(data_dir)}", content)
        manifest = {"format": FORMAT, "made_at": time.time(), "documents": count, "sha256": checksums}
        await asyncio.to_thread(_add, archive, {}, MANIFEST, json.dumps(manifest).encode())
    await asyncio.to_thread(draft.replace, target)
    return count


async def restore_backup(database: Database, data_dir: Path, source: Path, *, force: bool) -> int:
    """Bring everything back. Refuses an installation that holds events already, unless forced (it is replaced then)."""
    if not force and await database.events.find_one({}) is not None:
        raise BackupError("this installation holds events already; restore into an empty one, or use --force")
    try:
        archive = await asyncio.to_thread(tarfile.open, source, "r")
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{source} cannot be read: {error}") from None
    with archive:
        manifest = json.loads(_read(archive, MANIFEST))
        if manifest.get("format") != FORMAT:
            raise BackupError(f"{source} has format {manifest.get('format')}; this version reads {FORMAT}")
        for name, checksum in manifest["sha256"].items():
            content = await asyncio.to_thread(_read, archive, name)
            if await asyncio.to_thread(_digest, content) != checksum:
                raise BackupError(f"{name} in {source} is damaged; nothing was restored")
        count = 0
        for name in manifest["sha256"]:
            content = await asyncio.to_thread(_read, archive, name)
            kind, _, rest = name.partition("/")
            if kind == "mongodb":
                count += await _restore_collection(database, rest.removesuffix(".bson"), content)
            elif kind == "data":
                await asyncio.to_thread(_put, data_dir, rest, content)
    return count


async def _restore_collection(database: Database, name: str, content: bytes) -> int:
    documents = bson.decode_all(content)
    await database[name].delete_many({})
    for start in range(0, len(documents), BATCH):
        await database[name].insert_many(documents[start : start + BATCH])
    return len(documents)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _files(data_dir: Path) -> list[Path]:
    kept = [data_dir / name for name in KEPT]
    inside = [file for path in kept if path.is_dir() for file in sorted(path.rglob("*")) if file.suffix != ".part"]
    return [path for path in (*kept, *inside) if path.is_file()]


def _add(archive: tarfile.TarFile, checksums: dict[str, str], name: str, content: bytes) -> None:
    checksums[name] = _digest(content)
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
    archive.addfile(entry, io.BytesIO(content))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        member = archive.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise BackupError(f"the backup has no {name}; it is not complete")
    return member.read()


def _put(data_dir: Path, name: str, content: bytes) -> None:
    path = (data_dir / name).resolve()
    if not path.is_relative_to(data_dir.resolve()):
        raise BackupError(f"the backup names a file outside the data directory: {name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.suffix == ".secret":
        path.chmod(0o600)
