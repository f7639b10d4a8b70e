"""A page's blocks, run in order in one shell in a scratch folder, as a reader would type them."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.command_forks import forking_command
from tests.support.page_blocks import Block
from tests.support.ports import free_port
from tests.support.until import until

REPO = Path(__file__).resolve().parents[2]
LIMIT_S = 900
_MARK = "PAGE_MARK"
_PORT = re.compile(r"(?:127\.0\.0\.1:|--port )(\d{4,5})\b")
_ACTIVATE = ". .venv/bin/activate"
_IN_TEMPLATES = "@ports of templates@"
_NEWEST = '$(ls -t "${NIGHTPOLL_STORE:-runs}" 2>/dev/null | head -n 1 || true)'


@dataclass
class Scene:
    """What a page's blocks did.

    Attributes:
        outputs: line of a block that ran -> what it printed, both streams.
        broken: line of the block that did not end as it should; None if all did.
    """

    outputs: dict[int, str] = field(default_factory=dict)
    broken: int | None = None


def play(blocks: list[Block], folder: Path, *, instead: Mapping[str, str] | None = None) -> Scene:
    """Run what can be run; ports are free ones, `RUN` is the newest run, questions are answered with yes.

    Args:
        blocks: of one page, in order.
        folder: an existing one; becomes the working folder.
        instead: lines of shell -> what is run in their place.
    """
    script = folder.parent / f"{folder.name}.sh"
    script.write_text(_script(blocks, instead or {}), encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as programs,
        forking_command(Path(programs)) as first,
        _shell(script, folder, first) as said,
    ):
        return _told(blocks, said)


def _script(blocks: list[Block], instead: Mapping[str, str]) -> str:
    parts = ["set -euo pipefail", "front=${PATH%%:*}"]
    parts += [f"printf '\\n@@ {b.line}\\n'\n{_PLAY[b.kind](b, instead)}" for b in blocks if b.kind in _PLAY]
    whole = "\n".join([*parts, "printf '\\n@@ 0\\n'\n"])
    ports = {port: str(free_port()) for port in _PORT.findall("\n".join(b.text for b in blocks if b.kind in _PLAY))}
    for port, free in ports.items():
        whole = re.sub(rf"\b{port}\b", free, whole)
    return whole.replace(_IN_TEMPLATES, "; ".join(_in_templates(port, free) for port, free in ports.items()) or ":")


def _in_templates(port: str, free: str) -> str:
    return f"sed -i 's/:{port}/:{free}/' models.yaml */models.yaml 2>/dev/null || true"


def _run(block: Block, instead: Mapping[str, str]) -> str:
    if block.language == "python":
        text = re.sub(r"\bRUN\b", "@RUN@", block.text)
        return f"cat > .page.py <<'PY'\n{text}PY\nsed -i \"s/@RUN@/{_NEWEST}/\" .page.py && python .page.py"
    text = re.sub(r"(?<=[ /])RUN\b(?=[^\n]*)", _NEWEST, _without_comments(block.text))
    for line, other in instead.items():
        text = re.sub(rf"^{re.escape(line)}$", other, text, flags=re.MULTILINE)
    text = text.replace(_ACTIVATE, f"{_ACTIVATE}\nPATH=$front:$PATH")
    text = re.sub(r"^nightpoll init[^\n]*", rf"\g<0>\n{_IN_TEMPLATES}", text, flags=re.MULTILINE)
    code = block.value("exits")
    return text if code is None else f"set +e\n(set -e\n{text})\ncode=$?\nset -e\n[ $code = {code} ]"


def _without_comments(text: str) -> str:
    return re.sub(r"(^|\s)#[^\n]*", r"\1", text)


def _file(block: Block, _: Mapping[str, str]) -> str:
    return f"cat > {block.value('file')} <<'PAGE_FILE'\n{block.text}PAGE_FILE"


def _beside(block: Block, _: Mapping[str, str]) -> str:
    ports = _PORT.findall(block.text)
    waits = [f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done" for port in ports]
    return "\n".join([f"( {_without_comments(block.text).strip()} ) >/dev/null 2>&1 &", *waits])


_PLAY = {"run": _run, "file": _file, "background": _beside}


@contextmanager
def _shell(script: Path, folder: Path, programs: Path) -> Iterator[str]:
    """What the script says; everything that it started has ended afterwards."""
    mark = uuid.uuid4().hex
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n" * 20)
    process = subprocess.Popen(
        ["bash", str(script)],
        cwd=folder,
        env=_environ(mark, programs),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process.communicate(timeout=LIMIT_S)[0]
    finally:
        _end_group(process)
        os.close(ours)
        os.close(theirs)
        for one in _marked(mark):
            with suppress(psutil.NoSuchProcess):  # ended by itself meanwhile
                one.terminate()
        until(lambda: _marked(mark) == [], deadline_s=90, what="the end of what the page started")


def _environ(mark: str, programs: Path) -> dict[str, str]:
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"PATH": path, "PYTHONPATH": str(REPO), "NIGHTPOLL_WORKERS": "1", "COLUMNS": "200", _MARK: mark}
    return os.environ | ours


def _end_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get(_MARK) == mark and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


def _told(blocks: list[Block], said: str) -> Scene:
    scene = Scene()
    pieces = re.split(r"^@@ (\d+)\n", said, flags=re.MULTILINE)
    lines = [int(number) for number in pieces[1::2]]
    scene.outputs = dict(zip(lines, pieces[2::2], strict=True))
    if 0 not in scene.outputs:
        scene.broken = lines[-1] if lines else blocks[0].line
    return scene


def clone_like(folder: Path) -> None:
    """What a reader finds in a clone, set up: the make file, its files, and `.venv` with this Python's programs."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(REPO / name, folder / name)
    shutil.copytree(REPO / "scripts", folder / "scripts")
    shutil.copytree(REPO / "examples", folder / "examples")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.prefix) / "bin")
    (folder / ".venv" / ".ready").touch()
