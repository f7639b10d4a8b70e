"""`nightpoll demo`: the whole main job on the shipped survey, with the emulator and the embedded server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.commands.evaluate import evaluate_and_print
from cli.context import load_environ, load_settings, load_store
from cli.opening import checked_study, open_planned, plan_into_staging
from cli.session import own_redis, workers_for
from cli.templates import template_folder
from cli.views.console import err, out
from cli.views.run import follow_to_the_end, show_totals
from emulator.config import EmulatorConfig
from emulator.process import start_emulator
from schemas import run_paths

EMULATED_URL = "http://127.0.0.1:8765/v1"
"""Address in the shipped models file; the demo's own emulator takes a free port instead."""


def run_demo(respondents: int | None) -> int:
    """Run the shipped survey on the emulator, land it in Parquet and evaluate it; `respondents` None: all."""
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    own_redis(store, settings)
    with tempfile.TemporaryDirectory(prefix="nightpoll-demo-") as scratch:
        folder = Path(scratch) / "study"
        shutil.copytree(template_folder("anes96"), folder)
        with _emulator(folder) as base_url:
            models = folder / "models.yaml"
            models.write_text(models.read_text("utf-8").replace(EMULATED_URL, base_url), encoding="utf-8")
            err.print("The emulator answers, no model does: the figures below say nothing about any model.")
            checked = checked_study(folder, settings.model_copy(update={"models": models}), environ)
            planned = plan_into_staging(store, checked, run_id=None, pilot=respondents)
            run_id = planned.manifest.run_id
            show_totals(planned.manifest.totals, run_id)
            with workers_for(store, settings, environ, checked.models) as redis_url:
                open_planned(store, planned, fresh=True, detached=False)
                code = follow_to_the_end(store, run_id, redis_url, as_json=False)
        evaluate_and_print(store, run_id)
    out.print(store.where(run_paths.predictions(run_id)), markup=False)
    return code


@contextmanager
def _emulator(folder: Path) -> Iterator[str]:
    running = start_emulator(EmulatorConfig(), folder)
    try:
        yield running.base_url
    finally:
        running.stop()
