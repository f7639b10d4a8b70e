"""A run as one zip file: everything in its folder, or only what tells of no respondent."""

import zipfile
from pathlib import Path

from schemas import run_paths
from schemas.codebook import Codebook, CodedVariable
from schemas.errors import UserInputError
from storage.runs import load_codebook, load_manifest
from storage.store import Store

WITHOUT_MICRODATA = ("run.json", "codebook.json", "evaluation/metrics.json", "evaluation/metrics.parquet")
"""No respondent, no persona, no prompt, no answer; groups of fewer than 30 are suppressed in the figures. The report
is left out: it shows sample answers."""


def write_archive(store: Store, run_id: str, path: Path, *, microdata: bool) -> int:
    """Write the zip; returns how many files it holds.

    Raises:
        UserInputError: there is no such run, or `path` lies in its folder.
        OSError: `path` cannot be written.
    """
    load_manifest(store, run_id)
    with store.fetched_folder(run_id) as folder:
        return _write(store, run_id, folder.resolve(), path, microdata=microdata)


def _write(store: Store, run_id: str, folder: Path, path: Path, *, microdata: bool) -> int:
    if path.resolve().is_relative_to(folder):
        raise UserInputError("an archive cannot lie in the run it holds.", where=str(path))
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink() and not p.name.startswith(".")]
    found = [p for p in found if p.resolve().is_relative_to(folder)]  # a linked folder leads elsewhere
    if not microdata:
        found = [p for p in found if p.relative_to(folder).as_posix() in WITHOUT_MICRODATA]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in found:
            name = f"{run_id}/{file.relative_to(folder).as_posix()}"
            if not microdata and name == run_paths.codebook(run_id):
                archive.writestr(name, _without_texts(load_codebook(store, run_id)).model_dump_json(indent=1))
            else:
                archive.write(file, name)
    return len(found)


def _without_texts(codebook: Codebook) -> Codebook:
    """Without the values of text variables: there a label is what somebody wrote."""
    parts = {
        name: {key: _textless(variable) for key, variable in getattr(codebook, name).items()}
        for name in ("questions", "fields")
    }
    return codebook.model_copy(update=parts)


def _textless(variable: CodedVariable) -> CodedVariable:
    return variable.model_copy(update={"labels": {}, "missing_labels": {}}) if variable.kind == "text" else variable
