"""One batch while a step is taken: its ledger, its files, its client, its money."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from producer.batch.files import BatchFile
from producer.batch.spelling import BatchSpec
from providers.batch_client import BatchClient
from providers.batch_urls import line_url
from providers.service import wire_name
from schemas import run_paths
from schemas.batches import BatchLedger, InputFile
from schemas.models import BatchDeployment, Model
from schemas.settings import Settings
from storage.store import Store
from workers.batch.ledger import BatchShelf, now
from workers.batch.schedule import backoff
from workers.money.month_budget import Budget


class NotOurs(Exception):  # noqa: N818 - an order, not an error
    """The lock of the run's batches was lost while this process was stopped or cut off: nothing more is done here."""


@dataclass(frozen=True)
class Desk:
    """What the steps of one run's batches share.

    Attributes:
        budget: of the run, None without one; asked anew for each step, since it may be raised.
        is_held: the lock of the run's batches is still ours.
    """

    store: Store
    run_id: str
    shelf: BatchShelf
    settings: Settings
    client_of: Callable[[Model, BatchDeployment], Awaitable[BatchClient]]
    budget: Callable[[], Budget | None]
    is_held: Callable[[], bool] = lambda: True


class Turn:
    """One batch while a step is taken."""

    def __init__(self, desk: Desk, ledger: BatchLedger, model: Model) -> None:
        self.desk = desk
        self.ledger = ledger
        self.model = model

    def write(self, **changes: Any) -> None:  # noqa: ANN401 - fields of the ledger
        """Enter a state, or note something within one."""
        if changes.get("state", self.ledger.state) != self.ledger.state:
            changes = {"at": now(), "n_tries": 0, "wait_until": None} | changes
        self.ledger = self.desk.shelf.write(self.ledger.model_copy(update=changes))

    def check_held(self) -> None:
        """Go on only if nobody else can be at work on this batch.

        Raises:
            NotOurs: somebody may; the ledger tells whoever it is where we were.
        """
        if not self.desk.is_held():
            raise NotOurs

    def wait(self, seconds: float, reason: str = "") -> None:
        """No step for a while."""
        self.write(wait_until=now() + timedelta(seconds=seconds), reason=reason)

    def back_off(self, reason: str, **changes: Any) -> None:  # noqa: ANN401
        """Likewise, longer each time in a row."""
        until = backoff(now(), self.ledger.n_tries, self.desk.settings.batch_backoff_s)
        self.write(**({"wait_until": until, "n_tries": self.ledger.n_tries + 1, "reason": reason} | changes))

    @property
    def input_path(self) -> Path:
        """Its lines on our disk, for reading."""
        return self.desk.store.fetched(run_paths.batch_file(self.desk.run_id, self.ledger.file.name))

    def path(self, name: str) -> Path:
        """A file among the run's batches."""
        return self.desk.store.path(run_paths.batch_file(self.desk.run_id, name))

    def keep(self, name: str) -> None:
        """A file that was written at `path` is there for every host from now on."""
        self.desk.store.keep(run_paths.batch_file(self.desk.run_id, name))

    def deployment(self) -> BatchDeployment:
        """The one that was chosen for it."""
        return next(each for each in self.model.batch if each.name == self.ledger.deployment)

    async def client(self) -> BatchClient:
        """Of that deployment."""
        return await self.desk.client_of(self.model, self.deployment())

    async def give_back(self, paid_usd: float = 0.0) -> None:
        """Settle what was reserved for it; noted first, so that it is never given back twice."""
        reserved, settled = self.ledger.reserved_usd, self.ledger.is_settled
        if reserved is None or settled:
            return
        self.write(is_settled=True)
        budget = self.desk.budget()
        if budget is not None:
            await budget.settle(reserved, paid_usd, calls=0)


def spec_of(name: str, model: Model, deployment: BatchDeployment) -> BatchSpec:
    """How lines for a deployment are spelled; `name` as in the models file."""
    url = line_url(model.provider, model.family) if deployment.line_url is None else deployment.line_url
    return BatchSpec(name, wire_name(model, deployment), url, model.family)


def as_batch_file(file: InputFile, path: Path) -> BatchFile:
    """An input file as the packer knows it."""
    return BatchFile(path, file.n_lines, file.n_bytes, file.n_tokens, file.sha256, "", "", file.n_max_tokens)


def as_input_file(file: BatchFile) -> InputFile:
    """An input file as the ledger knows it."""
    return InputFile(
        name=file.path.name, n_lines=file.n_lines, n_bytes=file.n_bytes, n_tokens=file.n_tokens,
        n_max_tokens=file.n_max_tokens, sha256=file.sha256,
    )  # fmt: skip
