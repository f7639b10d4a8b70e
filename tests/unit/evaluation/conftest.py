import pytest

from evaluation.job import evaluate_run
from tests.support.job_folder import make_folder


@pytest.fixture(scope="session")
def evaluated_job(tmp_path_factory):
    folder = make_folder()
    store = folder.write(tmp_path_factory.mktemp("store"))
    return folder, store, evaluate_run(store, "run-1")
