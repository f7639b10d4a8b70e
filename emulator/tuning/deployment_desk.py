"""Deployments of tuned models as Azure's Resource Manager keeps them: states, one at a time, capacity, expiry."""

from dataclasses import dataclass
from math import inf
from typing import Any

from emulator.config import EmulatorConfig
from emulator.service import Service
from emulator.service_time import ServiceTime
from emulator.tuning import tuning_refusals
from emulator.tuning.tuning_desk import TuningDesk

SKUS = ("Standard", "GlobalStandard", "DataZoneStandard", "DeveloperTier", "ProvisionedManaged")
_DEVELOPER = "DeveloperTier"
_UNFINISHED = ("Accepted", "Creating", "Deleting")


@dataclass
class Deployment:
    """One deployment; all moments in service time.

    Attributes:
        is_served: its name is known on the wire.
        ends_at: when its deletion is over.
    """

    name: str
    body: dict[str, Any]
    created_at: float
    settled_at: float
    served_at: float
    state: str = "Accepted"
    is_served: bool = False
    ends_at: float = inf
    removed_at: float | None = None

    @property
    def model(self) -> str:
        """Id of the tuned model."""
        return str(self.body["properties"]["model"]["name"])

    @property
    def capacity(self) -> int:
        """Thousands of tokens a minute."""
        return int(self.body["sku"].get("capacity", 1))

    @property
    def is_developer(self) -> bool:
        """Of the developer tier."""
        return str(self.body["sku"]["name"]) == _DEVELOPER


class DeploymentDesk:
    """All deployments of an account that were made through the Resource Manager."""

    def __init__(self, service: Service, tuning: TuningDesk, time: ServiceTime) -> None:
        self._service = service
        self._config: EmulatorConfig = service.config
        self._settings = service.config.tuning
        self._tuning = tuning
        self._time = time
        self._deployments: dict[str, Deployment] = {}
        self.n_puts = 0
        self.history: list[Deployment] = []

    def put(self, account: str, name: str, body: dict[str, Any]) -> tuple[Deployment, bool]:
        """Create or replace; returns it, and whether it is new.

        Raises:
            Refusal: 400 or 409 in the Resource Manager's form.
        """
        self.advance()
        if self._tuning.strikes.spend("conflicts") or any(d.state in _UNFINISHED for d in self._deployments.values()):
            raise tuning_refusals.request_conflict(account)
        self._check(body)
        asked = int(body["sku"].get("capacity", 1))
        used = sum(each.capacity for each in self._deployments.values() if each.name != name)
        if self._settings.capacity is not None and used + asked > self._settings.capacity:
            raise tuning_refusals.insufficient_quota(asked, self._settings.capacity - used)
        now, is_new = self._time.now(), name not in self._deployments
        settled = now + self._settings.deploying_s
        deployment = Deployment(name, body, now, settled, settled + self._settings.not_found_s)
        self._withdraw(name)
        self._deployments[name] = deployment
        self.history.append(deployment)
        self.n_puts += 1
        return deployment, is_new

    def find(self, name: str) -> Deployment | None:
        """A deployment as it is now."""
        self.advance()
        return self._deployments.get(name)

    def all(self) -> list[Deployment]:
        """Every deployment as it is now."""
        self.advance()
        return list(self._deployments.values())

    def delete(self, name: str) -> bool:
        """Begin to take a deployment away; False: there is none."""
        deployment = self.find(name)
        if deployment is None:
            return False
        if deployment.state != "Deleting":
            deployment.state, deployment.ends_at = "Deleting", self._time.now() + self._settings.deleting_s
            self._withdraw(name)
        return True

    def advance(self) -> None:
        """Bring all deployments to the present."""
        self._tuning.advance()
        now = self._time.now()
        for name, each in list(self._deployments.items()):
            if each.state == "Deleting":
                if now >= each.ends_at:
                    self._remove(name, each.ends_at)
                continue
            if each.state in ("Accepted", "Creating"):
                failed = self._tuning.faults.failed_deploy
                each.state = "Creating" if now < each.settled_at else "Failed" if failed else "Succeeded"
            if each.state == "Succeeded" and not each.is_served and now >= each.served_at:
                self._tuning.serve(name, each.model)
                each.is_served = True
            life_s = self._settings.developer_life_s if each.is_developer else inf
            if now >= each.created_at + life_s or now >= self._used_at(each) + self._settings.idle_life_s:
                self._remove(name, now)

    def _used_at(self, deployment: Deployment) -> float:
        purchases = self._service.books.purchases
        last = next((p.answered_at for p in reversed(purchases) if p.deployment == deployment.name), None)
        return deployment.settled_at if last is None else max(deployment.settled_at, last)

    def _check(self, body: dict[str, Any]) -> None:
        sku, properties = body.get("sku"), body.get("properties")
        model = properties.get("model") if isinstance(properties, dict) else None
        if not isinstance(sku, dict) or sku.get("name") not in SKUS:
            raise tuning_refusals.arm(400, "InvalidResourceProperties", "The specified SKU is not supported.")
        if not isinstance(model, dict) or model.get("format") != "OpenAI" or not isinstance(model.get("name"), str):
            raise tuning_refusals.arm(400, "InvalidResourceProperties", "The model of the deployment is not valid.")
        if model["name"] not in self._tuning.tuned:
            text = f"The model 'Format:OpenAI,Name:{model['name']},Version:1' of account deployment is not supported."
            raise tuning_refusals.arm(400, "DeploymentModelNotSupported", text)

    def _withdraw(self, name: str) -> None:
        target = self._service.targets.get(name)
        if target is not None and target.tuned is not None:
            del self._service.targets[name]

    def _remove(self, name: str, at: float) -> None:
        self._withdraw(name)
        self._deployments.pop(name).removed_at = at
