"""Loading a run: its folder as cells. Nothing else of the run, and nothing outside it, is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.arrays import FloatArray, IntArray
from evaluation.measures.numeric import NumericCell
from evaluation.reading.cells import ABSENT, STATUSES, TRUTH_STATUSES, Cell, RunData, Totals
from evaluation.reading.columns import Names, PredictionColumns, Triples, by_row, plain_codes, read_columns
from evaluation.reading.item_cells import ITEM, LABELS, item_cells, item_name, item_texts
from evaluation.reading.kind_columns import KindColumns, read_kind_columns
from evaluation.reading.sampling_design import design_of
from evaluation.reading.scale import Scale, scale_of
from evaluation.reading.usage import Usage
from schemas import run_paths
from schemas.codebook import CodedVariable
from schemas.errors import StoreError, UserInputError
from storage.parts import open_table, read_table
from storage.runs import load_codebook, load_manifest
from storage.store import Store

_ANSWERED, _UNPARSED = STATUSES.index("answered"), STATUSES.index("unparsed")
_TRUTH_ANSWERED = TRUTH_STATUSES.index("answered")


def load_run(store: Store, run_id: str) -> RunData:
    """What the evaluation needs of a run, from its folder alone.

    Raises:
        UserInputError: there is no such run, or it has no predictions yet.
        StoreError: a file is missing, damaged or contradicts the codebook.
    """
    manifest, codebook = load_manifest(store, run_id), load_codebook(store, run_id)
    rel = run_paths.predictions(run_id)
    if not store.exists(rel):
        raise UserInputError(
            f"run {run_id} has no predictions yet.",
            where=store.where(rel),
            hint=f"See `nightpoll status {run_id}`; `nightpoll resume {run_id}` goes on with it.",
        )
    settings = manifest.study.evaluate
    grouped = list(dict.fromkeys([*settings.subgroups, *(n for crossed in settings.intersections for n in crossed)]))
    persona = manifest.study.persona.fields
    people = read_respondents(store, run_id, [*persona, *grouped, *settings.rich])
    respondents, coded = people.ids, people.codes
    scales = {name: scale_of(variable) for name, variable in codebook.questions.items()}
    names = Names(respondents, list(manifest.study.arms), scales)
    columns = read_columns(store, rel, names)
    if not columns.respondent.size:
        raise UserInputError(f"run {run_id} has no tasks.", where=store.where(rel))
    kinds = {variable.kind for variable in codebook.questions.values()}
    extra = read_kind_columns(store, rel, numbers="numeric" in kinds, sets="several" in kinds)
    found = _cells(columns, names, codebook.questions, extra, store.where(rel))
    several = [v for v in codebook.questions.values() if v.kind == "several"]
    items = {item_name(v.name, code): LABELS for v in several for code in v.codes}
    scales = {name: scale for name, scale in scales.items() if scale.k} | dict.fromkeys(items, ITEM)
    return RunData(
        run_id=run_id,
        study=manifest.study.study,
        replicates=manifest.study.split.replicates,
        n_draws=manifest.study.evaluate.bootstrap,
        respondent_ids=respondents,
        fields={name: coded[name] for name in persona},
        numeric_fields=frozenset(n for n, v in codebook.fields.items() if v.kind == "numeric"),
        scales=scales,
        cells=found.cells,
        numeric=found.numeric,
        usage=found.usage,
        totals=_totals(columns) if found.numeric or several else None,
        design=design_of(people.strata, people.clusters),
        settings=settings,
        groups={name: coded[name] for name in grouped},
        rich={name: coded[name] for name in settings.rich},
        labels={name: v.labels for name, v in codebook.fields.items()},
        question_labels={name: v.labels for name, v in codebook.questions.items()} | items,
        texts={name: _wording(v) for name, v in codebook.questions.items()}
        | {name: text for v in several for name, text in item_texts(v).items()},
    )


class People(NamedTuple):
    """Respondents by id, ascending.

    Attributes:
        codes: variable -> code, MISSING_CODE where missing.
        weight: 1.0 each if the survey has none.
        strata: None each if none are declared; likewise `clusters`.
    """

    ids: list[str]
    codes: dict[str, IntArray]
    weight: FloatArray
    strata: list[str | None]
    clusters: list[str | None]


def read_respondents(store: Store, run_id: str, fields: Sequence[str]) -> People:
    """Respondents of a run with their design and the codes of some variables.

    Raises:
        StoreError: the file is damaged or has no such variable.
    """
    rel = run_paths.respondents(run_id)
    with open_table(store, rel) as file:
        there = file.schema_arrow.names
    absent = [name for name in dict.fromkeys(fields) if name not in there]
    if absent:
        raise StoreError(f"variables are missing: {', '.join(absent)}.", where=store.where(rel))
    design = [name for name in ("weight", "strata", "cluster") if name in there]
    table = read_table(store, rel, list(dict.fromkeys(["respondent_id", *design, *fields])))
    ids = table["respondent_id"].cast(pa.string()).combine_chunks()
    order = pa.array(np.argsort(np.asarray(ids.to_numpy(zero_copy_only=False), dtype=str), kind="stable"))
    table = table.take(order)
    none: list[str | None] = [None] * len(table)
    texts = {
        name: table[name].cast(pa.string()).to_pylist() if name in design else none for name in ("strata", "cluster")
    }
    return People(
        ids=pc.take(ids, order).to_pylist(),
        codes={name: plain_codes(table[name]) for name in fields},
        weight=np.asarray(table["weight"].to_numpy() if "weight" in design else np.ones(len(table)), dtype=np.float64),
        strata=texts["strata"],
        clusters=texts["cluster"],
    )


class _Found(NamedTuple):
    cells: dict[tuple[str, str], Cell]
    numeric: dict[tuple[str, str], NumericCell]
    usage: dict[tuple[str, str], Usage]


def _wording(question: CodedVariable) -> str:
    return " ".join(part for part in (question.stem, question.text) if part)


def _totals(columns: PredictionColumns) -> Totals:
    counts = np.bincount(columns.status, minlength=len(STATUSES))
    return Totals({name: int(n) for name, n in zip(STATUSES, counts, strict=True)}, int(columns.simulated.sum()))


def _cells(
    columns: PredictionColumns, names: Names, questions: Mapping[str, CodedVariable], kinds: KindColumns, where: str
) -> _Found:
    """Rows by question, arm, respondent and repeat, so that no sum depends on the order of the file."""
    key = columns.question * len(names.arms) + columns.arm
    order = np.lexsort((columns.repeat, columns.respondent, key))
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    new_row = np.empty_like(order)
    new_row[order] = np.arange(order.size)
    triples = by_row(columns.probabilities, new_row)
    found = _Found({}, {}, {})
    for first, end in zip(starts, [*starts[1:], order.size], strict=True):
        rows = order[first:end]
        question = questions[names.questions[int(columns.question[rows[0]])]]
        place = (question.name, names.arms[int(columns.arm[rows[0]])])
        found.usage[place] = columns.usage.of(rows)
        if question.kind == "numeric":
            found.numeric[place] = _numeric(columns, rows, question, place[1], kinds)
        elif question.kind == "several":
            cells = _items(columns, rows, names, question, kinds)
            found.cells.update({(cell.question_id, cell.arm): cell for cell in cells})
        elif question.codes:
            cell = _cell(columns, rows, names, where, is_coded=question.kind == "open")
            found.cells[place] = replace(cell, probabilities=_dense(triples, int(first), int(end), cell))
    return found


def _numeric(
    columns: PredictionColumns, rows: IntArray, question: CodedVariable, arm: str, kinds: KindColumns
) -> NumericCell:
    respondent = columns.respondent[rows]
    unit = 1.0 / np.bincount(respondent)[respondent]
    told, answered = columns.truth_status[rows] == _TRUTH_ANSWERED, columns.status[rows] == _ANSWERED
    return NumericCell(
        arm=arm,
        question_id=question.name,
        low=0.0 if question.minimum is None else question.minimum,
        high=1.0 if question.maximum is None else question.maximum,
        respondent=respondent,
        truth=np.where(told, kinds.truth_number[rows], np.nan),
        answer=np.where(answered, kinds.answer_number[rows], np.nan),
        truth_status=columns.truth_status[rows],
        status=columns.status[rows],
        weight=columns.weight[rows] * unit,
        unit=unit,
        split=columns.split[rows],
        in_sample=columns.in_sample[rows],
        simulated=columns.simulated[rows],
    )


def _items(
    columns: PredictionColumns, rows: IntArray, names: Names, question: CodedVariable, kinds: KindColumns
) -> Iterator[Cell]:
    """One cell an item of a several-codes question."""
    whole = _cell(columns, rows, names, "", is_coded=True)
    answered = columns.status[rows] == _ANSWERED
    whole = replace(whole, answer=np.where(answered, 0, ABSENT), status=columns.status[rows])
    codes = tuple(question.codes)
    truth, answer = kinds.truth_codes.dense(rows, codes), kinds.answer_codes.dense(rows, codes)
    return item_cells(whole, question.codes, truth, answer, columns.truth_status[rows] == _TRUTH_ANSWERED)


def _cell(columns: PredictionColumns, rows: IntArray, names: Names, where: str, *, is_coded: bool = False) -> Cell:
    """One cell. `is_coded`: an answer without a code is one that the codebook has no code for, not damage."""
    question = names.questions[int(columns.question[rows[0]])]
    scale = names.scales[question]
    truth, told = _positions(columns.truth[rows], scale), columns.truth_status[rows] == _TRUTH_ANSWERED
    if (truth[told] == ABSENT).any() and not is_coded:
        raise StoreError(f"a truth of {question} is no code of the codebook.", where=where)
    answered, answer = columns.status[rows] == _ANSWERED, _positions(columns.answer[rows], scale)
    respondent = columns.respondent[rows]
    unit = 1.0 / np.bincount(respondent)[respondent]
    return Cell(
        arm=names.arms[int(columns.arm[rows[0]])],
        question_id=question,
        scale=scale,
        respondent=respondent,
        truth=np.where(told, truth, ABSENT),
        truth_status=columns.truth_status[rows],
        answer=np.where(answered, answer, ABSENT),
        status=np.where(answered & (answer == ABSENT), _UNPARSED, columns.status[rows]),
        weight=columns.weight[rows] * unit,
        unit=unit,
        split=columns.split[rows],
        in_sample=columns.in_sample[rows],
        simulated=columns.simulated[rows],
        covered_mass=columns.covered_mass[rows],
    )


def _positions(codes: IntArray, scale: Scale) -> IntArray:
    """Codebook positions of codes; ABSENT for a code that is not in the codebook."""
    positions = np.full(codes.shape, ABSENT, dtype=np.int64)
    for position, code in enumerate(scale.codes):
        positions[codes == code] = position
    return positions


def _dense(triples: Triples, first: int, end: int, cell: Cell) -> FloatArray | None:
    """Probabilities of rows first..end, shape (n, K), renormalised over the codebook; None if there are none."""
    start, stop = np.searchsorted(triples.row, [first, end])
    if start == stop:
        return None
    position = _positions(triples.code[start:stop], cell.scale)
    known = position != ABSENT
    p = np.zeros((cell.truth.size, cell.scale.k))
    p[triples.row[start:stop][known] - first, position[known]] = triples.share[start:stop][known]
    mass = p.sum(axis=1, keepdims=True)
    renormalised: FloatArray = np.divide(p, mass, out=np.full_like(p, np.nan), where=mass > 0)
    return renormalised
