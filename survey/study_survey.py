"""The survey of a study: its file, or several files joined by the respondent id; only columns the study may need."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from schemas.errors import SurveyFileError
from schemas.study import Study
from schemas.survey_source import SurveySource
from survey.data import SurveyData, Variable
from survey.files import read_survey
from survey.nearest import did_you_mean
from survey.respondents import respondent_ids

_NAME = re.compile(r"[^\W\d][\w.$#@]*")
ROW_NUMBER = "row_number"
"""As respondent id of a file without ids: its rows, from 1."""
_WAVE_SUFFIX = re.compile(r"_w\d+$")


def read_study_survey(study: Study, folder: Path) -> SurveyData:
    """The survey's columns that the study mentions, and a description of every variable.

    Args:
        study: as read.
        folder: of the study file; the survey's files are relative to it.

    Raises:
        SurveyFileError: a file cannot be read, or several cannot be joined.
    """
    words = mentioned(study)
    source = study.survey
    if source.file is not None:
        return numbered(read_survey(folder / source.file, words), source)
    keep = {*words, *(_WAVE_SUFFIX.sub("", word) for word in words)}
    return joined([read_survey(folder / name, keep) for name in source.files], source.respondent_id)


def whole_survey(source: SurveySource, path: Path) -> SurveyData:
    """Every column of a study's survey.

    Args:
        source: of the study.
        path: the survey file; the folder of the files if there are several.

    Raises:
        SurveyFileError: likewise.
    """
    if source.file is not None:
        return numbered(read_survey(path), source)
    folder = path if path.is_dir() else path.parent
    return joined([read_survey(folder / Path(name).name) for name in source.files], source.respondent_id)


def numbered(data: SurveyData, source: SurveySource) -> SurveyData:
    """The survey, its rows numbered from 1 if the study names `row_number` as id and the file has no such variable."""
    if source.respondent_id != ROW_NUMBER or ROW_NUMBER in data.variables:
        return data
    numbers = pd.Series(range(1, len(data.frame) + 1), name=ROW_NUMBER, dtype="Int64")
    frame = pd.concat([data.frame, numbers], axis=1)
    return replace(data, frame=frame, variables=data.variables | {ROW_NUMBER: Variable(ROW_NUMBER)})


def mentioned(study: Study) -> set[str]:
    """Every text of a study and every name inside one: each variable that it needs is among them."""
    return set(_words(study.model_dump(mode="json", by_alias=True)))


def _words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _words(key)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value
        yield from _NAME.findall(value)
        yield from re.findall(r"`([^`]+)`", value)


def joined(files: list[SurveyData], respondent_id: str) -> SurveyData:
    """Several files of one study as one table with a row per respondent, in the order in which ids first appear.

    A variable that an earlier file has too is NAME_w2 in the second file, NAME_w3 in the third. A respondent who is
    not in a file has blanks there: not asked.

    Raises:
        SurveyFileError: a file lacks the id, an id is missing or repeated in a file, or a new name is taken.
    """
    ids = [_ids(file, respondent_id) for file in files]
    order = pd.Index(dict.fromkeys(one for file in ids for one in file))
    variables = {respondent_id: files[0].variables[respondent_id]}
    columns: list[pd.DataFrame] = [pd.DataFrame({respondent_id: pd.Series(order, index=order, dtype="str")})]
    for number, (file, index) in enumerate(zip(files, ids, strict=True), start=1):
        names = _new_names(file, respondent_id, variables, number)
        frame = file.frame.set_axis(pd.Index(index), axis=0).drop(columns=respondent_id)
        columns.append(frame.rename(columns=names).reindex(order))
        variables |= {new: _renamed(file.variables[name], new) for name, new in names.items()}
    table = pd.concat(columns, axis=1).reset_index(drop=True)
    variables[respondent_id] = _renamed(variables[respondent_id], respondent_id, kind="text")
    digest = hashlib.sha256(" ".join(file.sha256 for file in files).encode()).hexdigest()
    return SurveyData(table, variables, _warnings(files, ids, len(order)), digest, files[0].path)


def _ids(file: SurveyData, respondent_id: str) -> list[str]:
    where = str(file.path)
    if respondent_id not in file.frame.columns:
        hint = did_you_mean(respondent_id, file.variables)
        raise SurveyFileError(f"{file.path.name} has no variable {respondent_id}.", where=where, hint=hint)
    ids = respondent_ids(file.frame[respondent_id])
    hint = "Files are joined by the respondent id: each file needs one row per respondent."
    if ids.isna().any():
        what = f"{int(ids.isna().sum())} rows of {file.path.name} have no respondent id."
        raise SurveyFileError(what, where=where, hint=hint)
    if ids.duplicated().any():
        what = f"{int(ids.duplicated().sum())} rows of {file.path.name} have the id of an earlier row."
        raise SurveyFileError(what, where=where, hint=hint)
    return list(ids)


def _new_names(file: SurveyData, respondent_id: str, taken: dict[str, Variable], number: int) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in file.variables:
        if name == respondent_id:
            continue
        new = f"{name}_w{number}" if name in taken else name
        if new in taken or new in names.values():
            what = f"{file.path.name} has {name}, which an earlier file has too, and {new} is taken as well."
            raise SurveyFileError(what, where=str(file.path), hint="Rename one of them.")
        names[name] = new
    return names


def _renamed(variable: Variable, name: str, **more: object) -> Variable:
    return Variable(**{**vars(variable), "name": name, **more})


def _warnings(files: list[SurveyData], ids: list[list[str]], n_all: int) -> list[str]:
    found = [f"{file.path.name}: {warning}" for file in files for warning in file.warnings]
    for file, own in zip(files, ids, strict=True):
        if len(own) < n_all:
            found.append(f"{file.path.name} lacks {n_all - len(own)} of {n_all} respondents: not asked there.")
    return found
