"""A run as one zip file: everything in its folder, or only what tells of no respondent."""

import zipfile
from pathlib import Path

from schemas.errors import UserInputError
from storage.runs import load_manifest
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
    folder = store.path(run_id).resolve()
    if path.resolve().is_relative_to(folder):
        raise UserInputError("an archive cannot lie in the run it holds.", where=str(path))
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink() and not p.name.startswith(".")]
    found = [p for p in found if p.resolve().is_relative_to(folder)]  # a linked folder leads elsewhere
    if not microdata:
        found = [p for p in found if p.relative_to(folder).as_posix() in WITHOUT_MICRODATA]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in found:
            archive.write(file, f"{run_id}/{file.relative_to(folder).as_posix()}")
    return len(found)
