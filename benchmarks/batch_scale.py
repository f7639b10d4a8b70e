"""How long packing and harvesting batches takes, and in how much memory.

    python -m benchmarks.batch_scale                 900,000 distinct requests packed; 200 MB of results harvested
    python -m benchmarks.batch_scale --respondents 600

Prints one JSON object. Each step runs in a process of its own, so that its peak memory is its own:

    pack      plan.parquet -> input files (limits: 50,000 lines, 200 MB), every custom_id checked
    harvest   a result file of 200 MB -> every id checked off -> part of the run, written; with 50,000 lines of 4 kB
              (reasoned answers) and with 150,000 of 1.3 kB (numbers)
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.plan_scale import synthetic_inputs
from producer.batch.files import write_batch_files
from producer.batch.pack import BatchLimits
from producer.batch.spelling import BatchSpec
from producer.planning.files import write_plan
from schemas.batches import BatchLedger, InputFile, Seen
from schemas.models import Deployment, Model, Price
from schemas.run_paths import batch_unit
from storage.parts import read_part
from storage.store import open_store
from workers.batch.harvest import Harvest

OUTPUT_BYTES = 200_000_000
SHAPES = {"reasoned": 50_000, "numbers": 150_000}
PRICE = Price(input=0.4, output=1.6)


def plan(folder: Path, n_respondents: int) -> dict[str, object]:
    """Write the plan that is packed."""
    manifest = write_plan(
        synthetic_inputs(n_respondents, 150, 1), out_dir=folder / "run", run_id="scale-1", created_at=datetime.now(UTC)
    )
    return {"n_requests": manifest.totals.n_requests}


def pack(folder: Path) -> dict[str, object]:
    """Write its input files."""
    (folder / "input").mkdir()
    spec = BatchSpec(model="mini", wire_name="mini-batch", url="/v1/chat/completions")
    files = list(
        write_batch_files(
            folder / "run" / "plan.parquet",
            folder / "input",
            spec,
            wanted=lambda _: True,
            limits=BatchLimits(),
            shards=range(1_000_000),
        )
    )
    return {
        "n_files": len(files),
        "n_lines": sum(file.n_lines for file in files),
        "mb": round(sum(file.n_bytes for file in files) / 1e6, 1),
    }


def generate(folder: Path, shape: str) -> dict[str, object]:
    """Write a result file and the input ids it answers."""
    n_lines = SHAPES[shape]
    with (folder / f"{shape}.in").open("w") as sent, (folder / f"{shape}.out").open("w") as output:
        for n in range(n_lines):
            custom_id = f"{n * 7919 % n_lines:032x}.0"
            print(json.dumps({"custom_id": custom_id}), file=sent)
            print(result_line(custom_id, OUTPUT_BYTES // n_lines), file=output)
    return {"mb": round((folder / f"{shape}.out").stat().st_size / 1e6, 1)}


def result_line(custom_id: str, n_bytes: int) -> str:
    """A line as Azure sends it, filled up with reasons to a size."""
    severity = {"filtered": False, "severity": "safe"}
    filters = {name: severity for name in ("hate", "self_harm", "sexual", "violence")}
    message = {"role": "assistant", "content": "", "refusal": None, "annotations": []}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": "stop",
        "content_filter_results": filters,
    }
    body = {
        "id": f"chatcmpl-{custom_id}",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [choice],
        "usage": {
            "prompt_tokens": 300,
            "completion_tokens": 2,
            "total_tokens": 302,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "system_fingerprint": "fp_0123456789",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": filters}],
    }
    line = {"custom_id": custom_id, "response": {"body": body, "request_id": custom_id, "status_code": 200}}
    line["error"] = None
    fill = n_bytes - len(json.dumps(line)) - 1
    message["content"] = ("This person would most likely see it so. " * (fill // 41 + 1))[: max(0, fill - 10)] + " 2"
    return json.dumps(line)


def harvest(folder: Path, shape: str) -> dict[str, object]:
    """Check every id off and land the part, as a worker does."""
    file = InputFile(name=f"{shape}.in", n_lines=1, n_bytes=1, n_tokens=1, n_max_tokens=2, sha256="")
    now = datetime.now(UTC)
    ledger = BatchLedger(
        number=1, run_id=shape, model="mini", at=now, key="k", file=file, seen=Seen(status="completed")
    )
    endpoint = Deployment(name="here", base_url="http://127.0.0.1/v1", rpm=1)
    work = Harvest(
        ledger=ledger,
        model=Model(provider="openai", model="gpt-4.1-mini", deployments=[endpoint]),
        price=PRICE,
        files=[folder / f"{shape}.out"],
        tried={},
        at=now.isoformat(),
    )
    store = open_store(str(folder / "store"))
    tally = work.land(store, folder / f"{shape}.in")
    rows = read_part(store, shape, batch_unit(1), ["request_id"]).num_rows
    return {"n_rows": rows, "n_answered": tally.kinds["ok"], "n_missing": tally.n_missing}


def measured(step: str, folder: Path, n_respondents: int) -> dict[str, object]:
    """Run one step here and say what it took."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    name, _, shape = step.partition(":")
    if name == "plan":
        told = plan(folder, n_respondents)
    elif name == "pack":
        told = pack(folder)
    else:
        told = generate(folder, shape) if name == "generate" else harvest(folder, shape)
    return {
        "s": round(time.perf_counter() - started_s, 2),
        "cpu_s": round(time.process_time() - cpu_s, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **told,
    }


def main() -> None:
    """Measure every step in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--respondents", type=int, default=6000)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step is not None:
        print(json.dumps(measured(args.step, args.folder, args.respondents)))
        return
    steps = ["plan", "pack", *(f"{what}:{shape}" for shape in SHAPES for what in ("generate", "harvest"))]
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for step in steps:
            command = [sys.executable, "-m", "benchmarks.batch_scale", "--step", step, "--folder", folder]
            command += ["--respondents", str(args.respondents)]
            found[step] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
