"""The evaluation of one run as a job: read the folder, score, write metrics.parquet and metrics.json."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluation.figures import MetricRow
from evaluation.measures.calibration import with_calibrated_arms
from evaluation.measures.numeric_scores import NumericScore, score_numeric
from evaluation.measures.positions import position_rows
from evaluation.output import method_of, write_metrics
from evaluation.reading.cells import ALL, HELD_OUT, RunData
from evaluation.reading.load import load_run
from evaluation.reading.tuning import with_tuning
from evaluation.reporting.kinds_show import numeric_lines, numeric_table, position_tables
from evaluation.reporting.show import TextTable, tables_of
from evaluation.reporting.verdict import verdict_lines, warning_lines
from evaluation.rivals.baselines import fit_baselines
from evaluation.rivals.numeric_baselines import numeric_baselines
from evaluation.rows import metric_rows
from evaluation.scoring import SplitScores, draws_of, score_split
from storage.store import Store

NumericScores = Mapping[tuple[str, str], NumericScore]
"""(question, arm) -> score of numbers, of one split."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: every figure, as in metrics.parquet.
        warnings: who answered and what is open; printed first. Empty for a finished run on a real service.
        verdict: accuracy and flags arm by arm, in words.
        tables: coverage, headline, baselines; one set a split.
        notes: what went less than well in fitting the baselines.
        files: paths in the store of what was written.
        scores: one a split, for the report; likewise `numeric`, (question, arm) -> score of numbers.
        positions: rows of position bias.
    """

    run_id: str
    rows: list[MetricRow]
    warnings: list[str]
    verdict: list[str]
    tables: list[TextTable]
    notes: list[str]
    files: list[str]
    scores: list[SplitScores]
    numeric: list[NumericScores]
    positions: list[MetricRow]

    @property
    def lines(self) -> list[str]:
        """Warnings, then the verdict."""
        return [*self.warnings, *self.verdict]


def evaluate_run(
    store: Store,
    run_id: str,
    *,
    progress: Callable[[str], None] | None = None,
    splits: Sequence[str] = (ALL,),
    tuned_on: Mapping[str, Collection[str]] | None = None,
) -> Evaluation:
    """Evaluate a run from its folder alone and write the figures there; calling it again replaces them.

    Args:
        store: where the run is.
        run_id: finished or not; open tasks are said in the first line.
        progress: told in a few words what is being done.
        splits: all, train, validation, test, held_out; held_out is added where an arm is in sample.
        tuned_on: arm -> ids of the respondents its model was tuned on, beyond what the predictions themselves say. A
            logit is then fitted on exactly these and set beside the arm on everyone else.

    Raises:
        UserInputError: there is no such run, or it has no predictions.
        StoreError: a file is damaged, or the store cannot be written.
    """
    tell = _silent if progress is None else progress
    tell("reading predictions")
    loaded = with_tuning(load_run(store, run_id), {} if tuned_on is None else tuned_on)
    run, uncalibrated = with_calibrated_arms(loaded)
    if loaded.is_tuned_on.any():
        splits = list(dict.fromkeys([*splits, HELD_OUT]))
    baselines = fit_baselines(run, progress=tell)
    scores = [score_split(run, baselines, split, progress=tell) for split in splits]
    numeric = _numeric(run, splits, tell)
    tell("subgroups, joint structure and value")
    positions = position_rows(store, run_id)
    rows = [*_rows(scores, numeric), *positions]
    asked = list(dict.fromkeys(arm for _, arm in loaded.cells))
    warnings, verdict = warning_lines(loaded), _verdict(scores, numeric, asked)
    notes = [*baselines.notes, *uncalibrated]
    tell("writing figures")
    files = write_metrics(store, run_id, rows, lines=[*warnings, *verdict], method=method_of(run, draws_of(run), notes))
    return Evaluation(
        run_id=run_id,
        rows=rows,
        warnings=warnings,
        verdict=verdict,
        tables=[*_tables(scores, numeric, run.arms), *position_tables(positions)],
        notes=notes,
        files=files,
        scores=scores,
        numeric=numeric,
        positions=positions,
    )


def _numeric(run: RunData, splits: Sequence[str], tell: Callable[[str], None]) -> list[NumericScores]:
    """Scores of numeric questions, one mapping a split; empty ones without such questions."""
    if not run.numeric:
        return [{} for _ in splits]
    tell("numeric questions")
    baselines = numeric_baselines(run.numeric, run.respondent_ids, run.fields, run.numeric_fields)
    return [score_numeric(run, baselines, split, draws_of(run)) for split in splits]


def _rows(scores: Sequence[SplitScores], numeric: Sequence[NumericScores]) -> Iterator[MetricRow]:
    for of_codes in scores:
        yield from metric_rows(of_codes)
    for of_numbers in numeric:
        for score in of_numbers.values():
            yield from score.rows


def _verdict(scores: Sequence[SplitScores], numeric: Sequence[NumericScores], asked: Sequence[str]) -> list[str]:
    of_codes = [line for scored in scores for line in verdict_lines(scored, asked)]
    return of_codes + [line for scored in numeric for line in numeric_lines(scored)]


def _tables(
    scores: Sequence[SplitScores], numeric: Sequence[NumericScores], arms: Sequence[str]
) -> Iterator[TextTable]:
    for of_codes, of_numbers in zip(scores, numeric, strict=True):
        yield from tables_of(of_codes, of_numbers, arms)
    for of_numbers in numeric:
        yield from numeric_table(of_numbers)


def _silent(_: str) -> None:
    return None
