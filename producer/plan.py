"""The plan of a run: from a checked study to the files of a run's folder. Calls no model.

The plan is a pure function of study, survey and models: made twice, every file but run.json is the same bytes, and
run.json differs in its run id and time only. It never looks at earlier runs; `producer.reuse` does that afterwards.
"""

from datetime import datetime
from pathlib import Path

from producer.check import Checked
from producer.planning.files import write_plan
from producer.planning.inputs import PlanInputs, load_inputs
from producer.planning.rows import Progress
from schemas.run import RunManifest


def plan_run(
    checked: Checked,
    *,
    out_dir: Path,
    run_id: str,
    created_at: datetime,
    pilot: int | None = None,
    progress: Progress | None = None,
) -> RunManifest:
    """Plan a checked study into a folder.

    Args:
        checked: a study without errors.
        out_dir: a staging folder, made if missing; run.json is written last.
        run_id: stands in run.json only.
        created_at: likewise, aware; also the moment whose prices hold.
        pilot: number of respondents; None for all.
        progress: told (respondents planned, respondents in all).

    Raises:
        StudyError: the check found errors, or something only a plan can see is wrong: a request that is too large,
            a question without examples, a template that cannot be filled.
    """
    return write_plan(
        inputs_of(checked), out_dir=out_dir, run_id=run_id, created_at=created_at, pilot=pilot, progress=progress
    )


def inputs_of(checked: Checked) -> PlanInputs:
    """What a plan of a checked study is a function of.

    Raises:
        StudyError: the check found errors.
    """
    checked.raise_if_wrong()
    assert checked.data is not None, "a study without errors has its survey"
    assert checked.prepared is not None, "read and prepared"
    return load_inputs(
        checked.study,
        checked.models,
        checked.prepared,
        survey_sha256=checked.data.sha256,
        folder=checked.folder,
    )
