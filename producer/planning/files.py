"""The files of a plan, written from its inputs."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path, PurePosixPath

from producer.cell import Cell
from producer.cells import CellBuilder
from producer.planning.inputs import PlanInputs
from producer.planning.pilot import pilot_positions
from producer.planning.rows import (
    Progress,
    RequestRow,
    RowSource,
    Tally,
    TaskRow,
    arms_of,
    oversized_problems,
)
from producer.planning.shards import Lot, cut, shard_size
from producer.planning.sharing import Respondent
from producer.planning.totals import plan_notes, plan_totals
from producer.planning.writer import (
    TaskWriter,
    file_sha256,
    told_as_store_error,
    write_requests,
    write_respondents,
    write_text,
)
from schemas import run_paths
from schemas.errors import StudyError
from schemas.identity import IDENTITY_VERSION
from schemas.run import RunManifest

RUN_JSON, CODEBOOK_JSON, PLAN_PARQUET, TASKS_PARQUET, RESPONDENTS_PARQUET = (
    PurePosixPath(spelt("run")).name
    for spelt in (run_paths.run_json, run_paths.codebook, run_paths.plan, run_paths.tasks, run_paths.respondents)
)
"""File names in the folder that becomes the run's."""

_VERSIONED = ("nightpoll", "pyarrow", "jinja2", "tiktoken", "openai")


def write_plan(
    inputs: PlanInputs,
    *,
    out_dir: Path,
    run_id: str,
    created_at: datetime,
    pilot: int | None = None,
    progress: Progress | None = None,
) -> RunManifest:
    """Plan from inputs; see `producer.plan.plan_run`.

    Raises:
        StudyError: likewise. StoreError: the folder cannot be written.
    """
    builder = CellBuilder(inputs)
    cells = builder.cells()
    respondents = planned_respondents(inputs, pilot)
    source = RowSource(cells, {question: builder.truth(question) for question in cells}, respondents)
    with told_as_store_error(out_dir):
        out_dir.mkdir(parents=True, exist_ok=True)
        shards = _write_rows(inputs, cells, source, out_dir, len(respondents), progress)
        _refuse_oversized(source.tally, cells)
        positions = [respondent.position for respondent in respondents]
        write_respondents(out_dir / RESPONDENTS_PARQUET, inputs.prepared.respondents.iloc[positions])
        write_text(out_dir / CODEBOOK_JSON, inputs.prepared.codebook.model_dump_json(indent=1))
        n_without_persona = sum(not builder.persona(position) for position in positions)
        batch_shards = {lot.model: numbers for lot, numbers in shards.items() if lot.transport == "batch"}
        auto_shards = {lot.model: numbers for lot, numbers in shards.items() if lot.transport == "auto"}
        manifest = RunManifest(
            format_no=3 if auto_shards else 2 if batch_shards else 1,
            run_id=run_id,
            created_at=created_at,
            study=inputs.study,
            models=dict(inputs.models),
            pilot=pilot,
            hashes=inputs.hashes() | _hashes(out_dir),
            versions=_versions(),
            totals=plan_totals(
                inputs, source.tally, arms_of(cells), _by_model(shards), n_respondents=len(respondents), at=created_at
            ),
            shards_by_model=_by_model(shards),
            batch_shards=batch_shards,
            auto_shards=auto_shards,
            notes=plan_notes(inputs, source.tally, n_without_persona=n_without_persona, at=created_at),
            extra={"persona_template": inputs.template.text, **inputs.texts()},
        )
        write_text(out_dir / RUN_JSON, manifest.model_dump_json(indent=1, by_alias=True))
    return manifest


def planned_respondents(inputs: PlanInputs, pilot: int | None) -> list[Respondent]:
    """Who is planned for, in the order of the survey file.

    A pilot is drawn from those whom some arm asks: with every arm on the test split, from the test split.
    """
    frame = inputs.prepared.respondents
    by_row = inputs.study.split if inputs.study.split.by == "row" else None
    wanted = {arm.respondents for arm in inputs.study.arms.values()}
    everyone = [
        Respondent(i, str(identifier), float(weight), str(split), by_row)
        for i, (identifier, weight, split) in enumerate(
            zip(frame["respondent_id"], frame["weight"], frame["split"], strict=True)
        )
    ]
    if pilot is None:
        return everyone
    asked = [who for who in everyone if "all" in wanted or by_row is not None or who.split in wanted]
    chosen = pilot_positions([who.id for who in asked], pilot, seed=inputs.study.split.seed)
    return [asked[i] for i in chosen]


def _write_rows(
    inputs: PlanInputs,
    cells: Mapping[str, Sequence[Cell]],
    source: RowSource,
    out_dir: Path,
    n_respondents: int,
    progress: Progress | None,
) -> dict[Lot, list[int]]:
    n_at_most = n_respondents * sum(cell.asks is not None for row in cells.values() for cell in row)
    size = shard_size(inputs.study.queue.shard_size, n_at_most)
    with TaskWriter(out_dir / TASKS_PARQUET) as tasks:
        requests = _requests(source.rows(progress), tasks)
        return write_requests(out_dir / PLAN_PARQUET, cut(requests, size))


def _requests(rows: Iterator[tuple[TaskRow, RequestRow | None]], tasks: TaskWriter) -> Iterator[tuple[Lot, RequestRow]]:
    for task, request in rows:
        tasks.add(task)
        if request is not None:
            yield Lot(request.model, request.transport), request


def _by_model(shards: Mapping[Lot, list[int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for lot, numbers in shards.items():
        found[lot.model] = sorted([*found.get(lot.model, []), *numbers])
    return found


def _refuse_oversized(tally: Tally, cells: Mapping[str, Sequence[Cell]]) -> None:
    problems = oversized_problems(tally, arms_of(cells))
    if problems:
        raise StudyError(problems)


def _hashes(out_dir: Path) -> dict[str, str]:
    return {"plan": file_sha256(out_dir / PLAN_PARQUET), "tasks": file_sha256(out_dir / TASKS_PARQUET)}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "identity": str(IDENTITY_VERSION)}
    for name in _VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a source tree
            found[name] = "unknown"
    return found
