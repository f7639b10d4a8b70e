"""The evaluation of one run in a process of its own: `python -m workers.evaluations.child RUN [report]`.

Fitting baselines computes for seconds to a minute; inside a worker it would hold up the calls of every shard there.
Progress is a line each on stdout, an error is the last line of stderr.
"""

import os
import sys
import traceback
from pathlib import Path

from evaluation.job import evaluate_run
from evaluation.reporting.report import write_report
from schemas.errors import ExitCode, NightpollError
from schemas.settings import Settings
from storage.store import open_store
from workers.predictions.fresh_predictions import compact_if_needed

CALMER_THAN_CALLS = 5
"""The calls of the workers on the same cores come first."""


def main(run_id: str, *, with_report: bool) -> int:
    """Compact if needed, score, write the figures and perhaps the report; an exit code."""
    try:
        settings = Settings()
        store = open_store(settings.store, settings.cache)
        _tell("reading answers")
        compact_if_needed(store, run_id)
        found = evaluate_run(store, run_id, progress=_tell)
        if with_report:
            _tell("drawing the report")
            write_report(store, run_id, found, None)
    except NightpollError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the edge: its text may quote a row, its kind and place cannot
        place = traceback.extract_tb(error.__traceback__)[-1]
        sys.stderr.write(f"unexpected error: {type(error).__name__} ({Path(place.filename).name}:{place.lineno})\n")
        return int(ExitCode.UNEXPECTED)
    return 0


def _tell(what: str) -> None:
    print(what, flush=True)  # noqa: T201 - a pipe to the worker


if __name__ == "__main__":
    os.nice(CALMER_THAN_CALLS)
    sys.exit(main(sys.argv[1], with_report="report" in sys.argv[2:]))
