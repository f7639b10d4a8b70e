"""What proves which respondents a tuned model has seen: its manifest, and that of the model it went on from."""

from schemas.errors import UserInputError
from schemas.tuning import TuningManifest
from storage.store import Store
from storage.tuning_records import load_tuning_manifest, readable_ledgers

NO_MANIFEST = "no manifest tells which respondents stand in its training file."


def unproven(store: Store, manifest: TuningManifest | None, start_from: str | None) -> str:
    """Why nobody can say which respondents a model will have seen; "" if its files and its forerunner's prove it.

    Args:
        store: with the jobs and manifests that are known.
        manifest: of the files; None for files made elsewhere.
        start_from: id of a tuned model to go on from.

    Raises:
        UserInputError: the forerunner held out other respondents: some of these it has seen.
    """
    if manifest is None:
        return NO_MANIFEST
    if start_from is None:
        return ""
    jobs = readable_ledgers(store)
    before = next((j for j in jobs if start_from in (j.tuned_model, *j.checkpoints.values())), None)
    if before is None:
        return f"nothing here tells what {start_from} was trained on."
    if before.unproven or before.manifest is None:
        return before.unproven if before.unproven else NO_MANIFEST
    if load_tuning_manifest(store, before.manifest).test_sha256 != manifest.test_sha256:
        raise UserInputError(
            f"{start_from} was trained with other respondents held out: it has seen some of those held out here.",
            where="--from", hint="Prepare with the same survey, `split` (seed and shares) and respondents as it was.",
        )  # fmt: skip
    return ""
