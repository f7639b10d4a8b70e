"""The command without paying for its imports each time: one process imports, a stand-in on the PATH has it fork.

    with forking_command(folder) as bin_folder:     # bin_folder/nightpoll takes arguments, environment, folder, streams

A command is 3 to 6 s of CPU, nearly all of it imports, and pages have dozens. `emulator` and `worker` are started by
the real command: they are ended by signals to their process group.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from tests.support.until import until

REPO = Path(__file__).resolve().parents[2]

_STAND_IN = """#!{python} -S
import json, os, socket, sys
if sys.argv[1:2] in (["emulator"], ["worker"]):
    os.execv({python!r}, [{python!r}, "-m", "cli.main", *sys.argv[1:]])
link = socket.socket(socket.AF_UNIX)
link.connect({path!r})
order = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(link, [len(order).to_bytes(4, "big")], [0, 1, 2])
link.sendall(order)
sys.exit(int(link.recv(16) or b"1"))
"""


@contextmanager
def forking_command(folder: Path) -> Iterator[Path]:
    """A folder for the front of the PATH; the process behind it ends with the block."""
    path, programs = folder / "fork.sock", folder / "bin"
    programs.mkdir()
    stand_in = programs / "nightpoll"
    stand_in.write_text(_STAND_IN.format(python=sys.executable, path=str(path)), encoding="utf-8")
    stand_in.chmod(0o755)
    process = subprocess.Popen([sys.executable, "-m", "tests.support.command_forks", str(path)], cwd=REPO)
    try:
        until(path.exists, deadline_s=240, what="the process that forks commands")
        yield programs
    finally:
        process.terminate()
        process.wait(10)


def _serve(path: str) -> NoReturn:
    for name in ("cli.running", "cli.views.evaluation", "cli.views.check", "cli.doctor", "cli.views.show"):
        importlib.import_module(name)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        link, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _watch(link)
        link.close()


def _watch(link: socket.socket) -> NoReturn:
    """Fork the command, wait for it, tell its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(link, 4, 3)
    n_bytes, told = int.from_bytes(size, "big"), b""
    while len(told) < n_bytes:
        told += link.recv(n_bytes - len(told))
    arguments, environ, folder = json.loads(told)
    pid = os.fork()
    if pid == 0:
        link.close()
        _become(arguments, environ, folder, streams)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # the stand-in was ended, and nobody wants to know
        link.sendall(str(os.waitstatus_to_exitcode(status) & 255).encode())
    os._exit(0)


def _become(arguments: list[str], environ: dict[str, str], folder: str, streams: list[int]) -> NoReturn:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    from cli import main

    sys.argv = ["nightpoll", *arguments]
    code = 1
    try:
        main.main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
