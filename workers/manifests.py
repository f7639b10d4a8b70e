"""Descriptions of runs, read once for each life of a run: one that was planned again under its name is another run."""

from schemas.run import RunManifest
from storage.runs import load_manifest
from storage.store import Store


class Manifests:
    """What one reader remembers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[str, RunManifest]] = {}

    def of(self, run_id: str) -> RunManifest:
        """As the run is now.

        Raises:
            UserInputError: there is no such run. StoreError: its file cannot be read.
        """
        life = self._store.run_life(run_id)
        known = self._known.get(run_id)
        if known is None or known[0] != life:
            known = self._known[run_id] = (life, load_manifest(self._store, run_id))
        return known[1]
