"""The body of a create request, checked."""

import re
from typing import Any
from uuid import uuid4

from emulator.files import file_refusals
from emulator.files.endpoints import json_object
from emulator.files.shelf import Shelf
from emulator.service import Service
from emulator.tuning import tuning_refusals
from emulator.tuning.tuning_desk import TuningDesk
from emulator.tuning.tuning_job import Order
from emulator.wire.refusals import Refusal

_AZURE_SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")
_OPENAI_SUFFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LIMITS = {"n_epochs": (1, 50), "batch_size": (1, 256), "learning_rate_multiplier": (0.0, 10.0)}
_LARGEST_SEED = 2_147_483_647


def read_order(service: Service, shelf: Shelf, desk: TuningDesk, content: bytes) -> Order:
    """A valid create request.

    Raises:
        Refusal: 400 or 404; 403 where nobody may train.
    """
    return _Reader(service, shelf, desk).read(content)


class _Reader:
    def __init__(self, service: Service, shelf: Shelf, desk: TuningDesk) -> None:
        self._config = service.config
        self._shelf = shelf
        self._desk = desk

    def read(self, content: bytes) -> Order:
        body = json_object(self._config, content)
        if self._config.tuning.training == "closed":
            raise tuning_refusals.training_closed(self._config)
        model, training = body.get("model"), body.get("training_file")
        if not isinstance(model, str) or not model:
            raise self._wrong("Missing required parameter: 'model'.", "model")
        base = self._base(model)
        if not isinstance(training, str) or not training:
            raise self._wrong("Missing required parameter: 'training_file'.", "training_file")
        validation = body.get("validation_file")
        for name, file_id in (("training_file", training), ("validation_file", validation)):
            if file_id is not None:
                self._check_file(name, file_id)
        suffix = body.get("suffix")
        form = _AZURE_SUFFIX if self._config.is_azure else _OPENAI_SUFFIX
        if suffix is not None and (not isinstance(suffix, str) or not form.fullmatch(suffix)):
            raise self._wrong(f"Invalid 'suffix': must match {form.pattern}.", "suffix")
        return Order(
            model=model,
            base=base,
            snapshot=self._config.models()[base].snapshot,
            training_file=training,
            validation_file=validation,
            suffix=suffix,
            seed=self._seed(body.get("seed")),
            asked=self._asked(body),
            method=body.get("method"),
            metadata=body.get("metadata"),
            training_type=body.get("trainingType"),
            is_completion=self._config.models()[base].family == "completion",
        )

    def _base(self, model: str) -> str:
        tuned = self._desk.tuned.get(model)
        if tuned is not None:
            return tuned.job.order.base
        models = self._config.models()
        found = model if model in models else next((n for n, facts in models.items() if facts.snapshot == model), None)
        tunable = self._config.tuning.tunable
        if found is None or (tunable is not None and found not in tunable and model not in tunable):
            raise tuning_refusals.not_tunable(self._config, model)
        return found

    def _check_file(self, name: str, file_id: object) -> None:
        file = self._shelf.find(file_id) if isinstance(file_id, str) else None
        if file is None:
            raise file_refusals.bad_request(self._config, f"invalid {name}: {file_id}", param=name)
        status = file.status(self._shelf.time.now())
        if status != "processed":
            raise self._wrong(f"File '{file_id}' is not ready: its status is {status}.", name)
        if file.purpose != "fine-tune":
            raise self._wrong(f"The purpose of '{file_id}' must be fine-tune.", name)

    def _asked(self, body: dict[str, Any]) -> dict[str, Any]:
        method = body.get("method")
        if method is not None and (not isinstance(method, dict) or method.get("type") != "supervised"):
            raise self._wrong("This emulator trains supervised only.", "method")
        inner = (method or {}).get("supervised") or {}
        asked = inner.get("hyperparameters") or body.get("hyperparameters") or {}
        if not isinstance(asked, dict):
            raise self._wrong("'hyperparameters' must be an object.", "hyperparameters")
        for name, value in asked.items():
            if name not in _LIMITS:
                raise self._wrong(f"Unknown hyperparameter '{name}'.", f"hyperparameters.{name}")
            low, high = _LIMITS[name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value != "auto" and not (is_number and low <= value <= high and value > 0):
                raise self._wrong(f"'{name}' must be auto or from {low:g} to {high:g}.", f"hyperparameters.{name}")
        return asked

    def _seed(self, given: object) -> int:
        if given is None:
            return uuid4().int % _LARGEST_SEED
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= _LARGEST_SEED:
            raise self._wrong("'seed' must be a whole number from 0 to 2147483647.", "seed")
        return given

    def _wrong(self, message: str, param: str | None) -> Refusal:
        return file_refusals.bad_request(self._config, message, param=param)
