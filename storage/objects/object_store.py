"""The store on object storage: every name is one object; this host keeps copies of those that never change.

What is written goes to the bucket first and counts only there. Objects that are created once and never replaced are
fetched once per host; all others are asked for with the ETag of the copy at hand. Staging folders and scratch files
live on this host alone until they are published.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from schemas import run_paths
from schemas.errors import SettingsError, StoreError
from storage.objects.address import Address, parse_address
from storage.objects.bucket import Bucket, Got
from storage.store import DEFAULT_MODE, Store, Tagged

_LASTING = re.compile(
    r"[^/.][^/]*/(run\.json|codebook\.json|(respondents|plan|tasks)\.parquet|events/[^/]+|journal/[^/]+-\d+\.jsonl"
    r"|responses/[^/]+)"
)
"""Created once, never replaced with other content."""
_IN_PLACE = re.compile(r"[^/.][^/]*/batches/[^/]+\.jsonl")
"""Read and written again where it lies, by one process at a time: its copy has the object's own name."""
_FILE = re.compile(r"\.(json|jsonl|parquet|asks|again|turns|html|csv|lock)$")
_COPY_MODE = 0o600
_VERSIONS = ".versions"
_BELL = f"{run_paths.PRIVATE}/bell"
_VERSIONS_KEPT_S = 2 * 86400


class ObjectStore(Store):
    """As `Store`, below an address."""

    is_local = False
    look_every_s = 2.0

    def __init__(self, address: Address, root: Path, bucket: Bucket) -> None:
        super().__init__(root, address.uri)
        self._bucket = bucket
        self._seen_runs: set[str] = set()
        self._copies: dict[str, tuple[str, Path]] = {}

    def where(self, rel: str) -> str:
        """The address of an object or folder."""
        return f"{self.uri}/{rel}" if rel else self.uri

    def exists(self, rel: str) -> bool:
        """Whether an object or a folder of this name is there."""
        if self._has_copy(rel):
            return True
        if _FILE.search(rel):
            return self._bucket.has(rel)
        return any(self._bucket.folder(rel))

    def fetched(self, rel: str) -> Path:
        """A copy on this host."""
        if _IN_PLACE.fullmatch(rel):
            return self._in_place(rel)
        if not _LASTING.fullmatch(rel):
            return self._version(rel)
        if not self._has_copy(rel):
            self._copy(rel, self._there(rel).data)
        return self.path(rel)

    def fetched_folder(self, rel_dir: str) -> Path:
        """Copies of everything below a folder, laid out as there, in a folder of this process."""
        folder = self.path(f"{_VERSIONS}/{os.getpid()}-{hashlib.sha256(rel_dir.encode()).hexdigest()[:16]}")
        shutil.rmtree(folder, ignore_errors=True)
        for entry in self._bucket.everything(rel_dir):
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(self.fetched(f"{rel_dir}/{entry.name}"), target)
        return folder

    def ring(self) -> None:
        """One small PUT."""
        self._bucket.put(_BELL, uuid4().hex.encode())

    def bell(self) -> str:
        """One small GET."""
        found = self._bucket.get(_BELL)
        return "" if found is None else found.data.decode("ascii", "replace")

    def keep(self, rel: str) -> None:
        """Publish a file that was written at `path`, in place of an earlier one."""
        self._bucket.put(rel, self.path(rel))

    def read_bytes(self, rel: str) -> bytes:
        """A whole object."""
        return self.fetched(rel).read_bytes() if _LASTING.fullmatch(rel) else self._there(rel).data

    def names(self, rel_dir: str) -> list[str]:
        """Names right below a folder, sorted; empty if there is no such folder."""
        entries, folders = self._bucket.folder(rel_dir)
        return sorted(name for name in [*(e.name for e in entries), *folders] if name and not name.startswith("."))

    def changed_s(self, rel_dir: str) -> dict[str, float]:
        """When each object right below a folder was last written, by the service's clock."""
        return {entry.name: entry.changed_s for entry in self._bucket.folder(rel_dir)[0]}

    def n_bytes(self, rel_dir: str) -> int:
        """Size of everything below a folder."""
        return sum(entry.n_bytes for entry in self._bucket.everything(rel_dir))

    def read_tagged(self, rel: str) -> Tagged | None:
        """A whole object with its ETag."""
        found = self._bucket.get(rel)
        return None if found is None else Tagged(found.data, found.tag)

    def replace_if_match(self, rel: str, data: bytes, tag: str | None) -> bool:
        """One conditional request."""
        return self._bucket.replace_if(rel, data, tag)

    def put_if_absent(self, rel: str, data: bytes, mode: int = DEFAULT_MODE) -> bool:
        """One conditional request; who may read objects is the bucket's affair, not `mode`'s."""
        if not self._bucket.create(rel, data):
            return False
        self._copy(rel, data)
        return True

    def adopt_if_absent(self, scratch: Path, rel: str) -> bool:
        """Publish a finished file of this host unless the name is taken; False if it was."""
        if not self._bucket.create(rel, scratch):
            return False
        if _LASTING.fullmatch(rel):
            with suppress(OSError):
                scratch.replace(self.path(rel))
        return True

    @contextmanager
    def writing(self, rel: str, mode: int = DEFAULT_MODE) -> Iterator[Path]:
        """A scratch path to fill; put into the bucket, replacing, when the block ends well."""
        with self._scratch(rel, mode) as scratch:
            yield scratch
            self._bucket.put(rel, scratch)

    def remove(self, rel: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        self._bucket.remove([rel])
        super().remove(rel)

    def publish_folder(self, staging: str, rel: str, *, last: str) -> bool:
        """Upload a folder, the file that makes it count last; False if its place is taken."""
        source = self.path(staging)
        files = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file())
        for name in files:
            if name != last and not self._uploaded(source / name, f"{rel}/{name}"):
                return False  # somebody else's begun or finished folder
        if not self._bucket.create(f"{rel}/{last}", source / last):
            return False
        shutil.rmtree(self.path(rel), ignore_errors=True)
        source.rename(self.path(rel))
        self._seen_runs.add(rel)
        return True

    def remove_folder(self, rel: str, *, first: str, aside: str) -> None:
        """Remove every object below a folder, the one that makes it count first."""
        del aside  # objects cannot be moved
        self._bucket.remove([f"{rel}/{first}"])
        self._bucket.remove([f"{rel}/{entry.name}" for entry in list(self._bucket.everything(rel))])
        shutil.rmtree(self.path(rel), ignore_errors=True)

    def _uploaded(self, file: Path, rel: str) -> bool:
        if self._bucket.create(rel, file):
            return True
        found = self._bucket.get(rel)  # of a command that died before it published, if it is the same
        return found is not None and found.data == file.read_bytes()

    def _there(self, rel: str) -> Got:
        found = self._bucket.get(rel)
        if found is None:
            raise StoreError("cannot read the store: it is not there.", where=self.where(rel))
        return found

    def _has_copy(self, rel: str) -> bool:
        if not _LASTING.fullmatch(rel):
            return False
        run_id = rel.partition("/")[0]
        if run_id not in self._seen_runs:
            self._compare(run_id)
        return self.path(rel).exists()

    def _compare(self, run_id: str) -> None:
        """Drop the copies of a run that was removed and planned again under the same name."""
        rel = run_paths.run_json(run_id)
        found, copy = self._bucket.get(rel), self.path(rel)
        if copy.exists() and (found is None or found.data != copy.read_bytes()):
            shutil.rmtree(copy.parent, ignore_errors=True)
        if found is not None:
            self._copy(rel, found.data)
            self._seen_runs.add(run_id)

    def _copy(self, rel: str, data: bytes) -> None:
        if _LASTING.fullmatch(rel):
            Store.put_if_absent(self, rel, data, _COPY_MODE)

    def _in_place(self, rel: str) -> Path:
        tag, path = self._copies.get(rel, (None, self.path(rel)))
        got = self._bucket.get_unless(rel, tag if path.exists() else None)
        if got is not None:
            with Store.writing(self, rel, _COPY_MODE) as scratch:
                scratch.write_bytes(got.data)
            self._copies[rel] = (got.tag, path)
        return path

    def _version(self, rel: str) -> Path:
        """A copy of what may be replaced: one file for each ETag, so that no reader sees another's."""
        tag, path = self._copies.get(rel, (None, None))
        got = self._bucket.get_unless(rel, tag if path is not None and path.exists() else None)
        if got is None:
            assert path is not None, "only a copy can be unchanged"
            return path
        name = hashlib.sha256(f"{rel}\n{got.tag}".encode()).hexdigest()[:32]
        copy = f"{_VERSIONS}/{name}{Path(rel).suffix}"
        Store.put_if_absent(self, copy, got.data, _COPY_MODE)
        self._copies[rel] = (got.tag, self.path(copy))
        return self.path(copy)


def object_store(uri: str, cache: Path | None) -> ObjectStore:
    """The store at an address of object storage.

    Raises:
        SettingsError: the address is none, its endpoint is not safe, or copies can be kept nowhere.
    """
    address = parse_address(uri)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "nightpoll"
    root = (home if cache is None else cache.expanduser()).absolute()
    root /= hashlib.sha256(address.uri.encode()).hexdigest()[:16]
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(root / _VERSIONS)
    except OSError as e:
        raise SettingsError(
            "there is no folder for copies of the store's objects.", where="NIGHTPOLL_CACHE",
            hint="Set it to a folder that can be written.",
        ) from e  # fmt: skip
    return ObjectStore(address, root, Bucket(address))


def _sweep(folder: Path) -> None:
    """Remove copies that no process can be reading any more."""
    before_s = time.time() - _VERSIONS_KEPT_S
    for path in folder.iterdir() if folder.exists() else ():
        with suppress(OSError):
            if path.stat().st_mtime < before_s:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
