"""How much of an enforced quota the engine uses, by the endpoint's own clock.

`python -m benchmarks.engine_quota [--seconds 120] [--workers 4] [--runs 1] [--cases requests ...] [--quick]`

The endpoint refuses what goes over a rolling minute, and more than 5 % over the even rate in a rolling second. Three
cases: 6,000 requests a minute bind; tokens bind where the service books prompt + max_completion_tokens; tokens bind
where it books what was used. In the last two max_completion_tokens is ten times the actual answer. Shares are parts
of what the quota allows: 1.0 is all of it.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arrivals import judged
from benchmarks.figures import say, show, spread
from benchmarks.loopback import Loopback, compiled, running_loopback
from benchmarks.rig import Rig, pause, running_rig, wait_until
from benchmarks.synthetic import Endpoint, open_run, prompt_tokens

RPM = 6000
ANSWER_TOKENS = 20
MAX_ANSWER_TOKENS = 10 * ANSWER_TOKENS
LATENCY = {"latency_ms": 400.0, "sigma": 0.4}
EXTRA_S = 10
"""So many seconds' more requests than can go out: the run must not end before the measurement."""


@dataclass(frozen=True)
class Case:
    """Which limit binds and how the service counts."""

    name: str
    unit: str
    counting: str

    def limits(self, prompt: int) -> tuple[int, int | None]:
        """Requests and tokens a minute."""
        if self.unit == "requests":
            return RPM, None
        booked = prompt + (MAX_ANSWER_TOKENS if self.counting == "max_tokens" else ANSWER_TOKENS)
        return 3 * RPM, RPM * booked


CASES = (
    Case("requests", "requests", "max_tokens"),
    Case("tokens_max", "tokens", "max_tokens"),
    Case("tokens_actual", "tokens", "actual"),
)


def one_run(program: Path, case: Case, *, seconds: int, n_workers: int, prompt: int, seed: int) -> dict[str, float]:
    """One measurement: cold workers, the run is opened, the clock starts at the first arrival."""
    rpm, tpm = case.limits(prompt)
    quota = {"rpm": rpm, "counting": case.counting, "prompt_tokens": prompt, "completion_tokens": ANSWER_TOKENS}
    if tpm is not None:
        quota["tpm"] = tpm
    with running_loopback(program, seed=seed, **LATENCY, **quota) as endpoint, running_rig() as rig:
        rig.start_workers(n_workers, in_flight=128, slots=4)
        arm = Endpoint(
            "east", endpoint.base_url, rpm=rpm, tpm=tpm, counting=case.counting,
            max_completion_tokens=MAX_ANSWER_TOKENS,
        )  # fmt: skip
        open_run(rig.store, "load", [arm], RPM * (seconds + EXTRA_S) // 60)
        return _judged(rig, endpoint, case, seconds, rpm if tpm is None else tpm)


def _judged(rig: Rig, endpoint: Loopback, case: Case, seconds: int, per_minute: int) -> dict[str, float]:
    wait_until(lambda: endpoint.stats()["arrived"] > 0, 60, "the first call")
    before = rig.cpu()
    pause(seconds + 1)
    used, stats = rig.cpu() - before, endpoint.stats()
    found = judged(stats, per_minute=per_minute, unit=case.unit, seconds=seconds)
    return found | {"cpu_ms": round(1000 * used.total_s / max(1, stats["answered"]), 3), "arrived": stats["arrived"]}


def prompt_size(program: Path) -> int:
    """Tokens of every prompt; they are all of one size so that endpoint and plan count alike."""
    with running_rig() as rig, running_loopback(program) as endpoint:
        open_run(rig.store, "prompts", [Endpoint("east", endpoint.base_url)], 2000)
        fewest, most = prompt_tokens(rig.store, "prompts")
    if fewest != most:
        raise RuntimeError(f"prompts differ in size ({fewest} to {most} tokens)")
    return most


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--cases", nargs="+", default=[c.name for c in CASES], choices=[c.name for c in CASES])
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    given = parser.parse_args()
    if given.quick:
        given.seconds = 20
    results: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        program = compiled(Path(name))
        prompt = prompt_size(program)
        for run in range(given.runs):
            for case in (c for c in CASES if c.name in given.cases):
                say(f"run {run + 1} of {given.runs}: {case.name}")
                found = one_run(program, case, seconds=given.seconds, n_workers=given.workers, prompt=prompt, seed=run)
                say(f"  {found}")
                results.setdefault(case.name, []).append(found)
    rows = [{"case": name, "run": i + 1, **one} for name, found in results.items() for i, one in enumerate(found)]
    figures = {name: {key: spread([f[key] for f in found], 4) for key in found[0]} for name, found in results.items()}
    show("engine_quota", rows, {"given": vars(given), "prompt_tokens": prompt, "runs": results, "figures": figures})


if __name__ == "__main__":
    main()
