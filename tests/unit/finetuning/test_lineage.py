from datetime import UTC, datetime

import pytest

from finetuning.versions.lineage import NO_MANIFEST, unproven
from schemas.errors import UserInputError
from schemas.tuning import TuningLedger, TuningManifest, WrittenFile
from storage.store import open_store
from storage.tuning_records import change_ledger, keep_manifest
from tests.support.plans import make_model

AT = datetime(2026, 11, 22, tzinfo=UTC)


def manifest(test: str = "a") -> TuningManifest:
    file = WrittenFile(name="training.jsonl", sha256="0", n_lines=1, n_bytes=1)
    return TuningManifest(
        study="s", arm="basic", form="chat", seed=1, plan_sha256="p", survey_sha256="s", created_at=AT, training=file,
        validation=None, training_ids=["1"], validation_ids=[], test_sha256=test, n_test=1,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    made = open_store(str(tmp_path / "runs"))
    for key, tuned, kept in (("one", "ft:v1", manifest()), ("two", "ft:foreign", None)):
        name = None if kept is None else keep_manifest(made, kept)
        ledger = TuningLedger(
            key=key, entry_name="mini", entry=make_model(), model="m", created_at=AT, tuned_model=tuned, manifest=name
        )  # fmt: skip
        change_ledger(made, key, lambda _, ledger=ledger: ledger)
    return made


@pytest.mark.parametrize(
    ("files", "start_from", "why"),
    [
        pytest.param(manifest(), None, "", id="own files"),
        pytest.param(None, None, NO_MANIFEST, id="files made elsewhere"),
        pytest.param(manifest(), "ft:v1", "", id="goes on with the same held out"),
        pytest.param(manifest(), "ft:foreign", NO_MANIFEST, id="goes on from files made elsewhere"),
        pytest.param(manifest(), "ft:x", "nothing here tells what ft:x was trained on.", id="unknown forerunner"),
    ],
)
def test_what_a_model_has_seen_is_proven_or_not(store, files, start_from, why):
    assert unproven(store, files, start_from) == why


def test_going_on_with_others_held_out_is_refused(store):
    with pytest.raises(UserInputError, match="other respondents held out"):
        unproven(store, manifest("b"), "ft:v1")
