"""The store on object storage: every name is one object; this host keeps copies of those that never change.

What is written goes to the bucket first and counts only there. Objects that are created once and never replaced are
fetched once per host and life of their run (`storage.objects.lives`); all others are asked for with the ETag of the
copy at hand. Staging folders and scratch files live on this host alone until they are published.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from schemas import run_paths
from schemas.errors import SettingsError, StoreAwayError, StoreError
from storage.objects.address import Address, parse_address
from storage.objects.bucket import Bucket, Got
from storage.objects.copies import RUNS, VERSIONS, Copies, linked
from storage.objects.lives import Lives
from storage.store import DEFAULT_MODE, Store, Tagged

_LASTING = re.compile(
    r"[^/.][^/]*/(run\.json|codebook\.json|(respondents|plan|tasks)\.parquet|events/[^/]+|journal/[^/]+-\d+\.jsonl"
    r"|responses/[^/]+)"
)
"""Created once, never replaced with other content."""
_RUN_JSON = re.compile(r"[^/.][^/]*/run\.json")
_IN_PLACE = re.compile(r"[^/.][^/]*/batches/[^/]+\.jsonl")
"""Read and written again where it lies, by one process at a time: its copy has the object's own name."""
_FILE = re.compile(r"\.(json|jsonl|parquet|asks|again|turns|html|csv|lock)$")
_COPY_MODE = 0o600
_BELL = f"{run_paths.PRIVATE}/bell"


class ObjectStore(Store):
    """As `Store`, below an address."""

    is_local = False
    look_every_s = 2.0

    def __init__(self, address: Address, root: Path, bucket: Bucket) -> None:
        super().__init__(root, address.uri)
        self._bucket = bucket
        self._lives = Lives(bucket)
        self._kept = Copies(root)
        self._copies: dict[str, tuple[str, Path]] = {}

    def where(self, rel: str) -> str:
        """The address of an object or folder."""
        return f"{self.uri}/{rel}" if rel else self.uri

    def exists(self, rel: str) -> bool:
        """Whether an object or a folder of this name is there."""
        home = self._known_home(rel) if _RUN_JSON.fullmatch(rel) else self._home(rel)
        if home is not None and self._copy_in(home, rel) is not None:
            return True  # of run.json that was seen: whoever lists runs asks for every one of them
        if _FILE.search(rel):
            return self._bucket.has(rel)
        return any(self._bucket.folder(rel))

    def run_life(self, run_id: str, *, anew: bool = False) -> str:
        """One small conditional request at most every two seconds, unless it is to be asked anew."""
        return self._lives.of(run_id, anew=anew)

    def fetched(self, rel: str) -> Path:
        """A copy on this host."""
        if _IN_PLACE.fullmatch(rel):
            return self._in_place(rel)
        home = self._home(rel)
        if home is None:
            return self._version(rel)
        return self._copy_in(home, rel) or self._copied(home, rel, self._there(rel).data)

    @contextmanager
    def fetched_folder(self, rel_dir: str, ending: str = "") -> Iterator[Path]:
        """Copies of everything below a folder, laid out as there; what goes meanwhile is left out."""
        with self._kept.folder() as folder:
            for entry in self._bucket.everything(rel_dir):
                if not entry.name.endswith(ending):
                    continue
                rel = f"{rel_dir}/{entry.name}"
                try:
                    linked(self.fetched(rel), folder / entry.name)
                except StoreAwayError:
                    raise
                except StoreError:
                    if self._bucket.has(rel):
                        raise
            yield folder

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
        home = self._known_home(rel)
        if home is not None:
            self._copied(home, rel, data)
        return True

    def adopt_if_absent(self, scratch: Path, rel: str) -> bool:
        """Publish a finished file of this host unless the name is taken; False if it was."""
        if not self._bucket.create(rel, scratch):
            return False
        home = self._known_home(rel)
        if home is not None:
            with suppress(OSError):
                (home / _below_run(rel)).parent.mkdir(parents=True, exist_ok=True)
                scratch.replace(home / _below_run(rel))
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
        left = [entry.name for entry in self._bucket.everything(rel) if entry.name not in files]
        if left and not self._bucket.has(f"{rel}/{last}"):  # looked at after the listing: none of it is a new run's
            self._bucket.remove([f"{rel}/{name}" for name in left])
        if not self._bucket.create(f"{rel}/{last}", source / last):
            return False
        shutil.rmtree(self.path(rel), ignore_errors=True)  # of an earlier life: files that were written in place
        with suppress(OSError, StoreAwayError):  # it is published; copies only spare fetching it
            home = self._home_of(rel, self._lives.of(rel, anew=True))
            home.parent.mkdir(parents=True, exist_ok=True)
            source.rename(home)
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

    def _home(self, rel: str) -> Path | None:
        """Where copies of what lasts lie in the present life of the run; None for what does not last."""
        if not _LASTING.fullmatch(rel):
            return None
        run_id = rel.partition("/")[0]
        life = self._lives.of(run_id)
        return self._home_of(run_id, life) if life else None

    def _known_home(self, rel: str) -> Path | None:
        """Likewise, as far as it is known without asking."""
        run_id = rel.partition("/")[0]
        life = self._lives.known(run_id) if _LASTING.fullmatch(rel) else ""
        return self._home_of(run_id, life) if life else None

    def _home_of(self, run_id: str, life: str) -> Path:
        return self.root / RUNS / run_id / hashlib.sha256(life.encode()).hexdigest()[:16]

    def _copy_in(self, home: Path, rel: str) -> Path | None:
        path = home / _below_run(rel)
        return path if self._kept.marked(home) and path.exists() else None

    def _copied(self, home: Path, rel: str, data: bytes) -> Path:
        path = home / _below_run(rel)
        Store.put_if_absent(self, path.relative_to(self.root).as_posix(), data, _COPY_MODE)
        return path

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
        got = self._bucket.get_unless(rel, tag if path is not None and self._kept.marked(path) else None)
        if got is None:
            assert path is not None, "only a copy can be unchanged"
            return path
        name = hashlib.sha256(f"{rel}\n{got.tag}".encode()).hexdigest()[:32]
        copy = f"{VERSIONS}/{name}{Path(rel).suffix}"
        if not self._kept.marked(self.path(copy)):
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
        Copies(root).sweep()
    except OSError as e:
        raise SettingsError(
            "there is no folder for copies of the store's objects.", where="NIGHTPOLL_CACHE",
            hint="Set it to a folder that can be written.",
        ) from e  # fmt: skip
    return ObjectStore(address, root, Bucket(address))


def _below_run(rel: str) -> str:
    return rel.partition("/")[2]
