"""The models-file entry of a tuned model: that of its base, with the tuned id and where it is deployed. Pure."""

from datetime import date, datetime

from providers.service import origin
from schemas.models import Model
from schemas.tuning import TuningLedger


def tuned_entry(
    ledger: TuningLedger, label: str, model: str, deployment: str | None, *, fresh_until: datetime | None = None
) -> Model:
    """What a run calls: the base entry with the tuned model in it. Prices stay the base entry's unless it says more.

    Args:
        ledger: of the job.
        label: NAME@VERSION.
        model: tuned model's id.
        deployment: name on the wire; None: the model's id.
        fresh_until: a deployment that is not found is new until then.
    """
    wire, entry = deployment if deployment is not None else model, ledger.entry
    serving = entry.deployments
    if deployment is not None:  # it was made in one resource: that of the first, where the job ran
        serving = [d for d in serving if origin(d.base_url) == origin(serving[0].base_url)]
    takes_batches = entry.provider == "openai"  # Azure takes none for tuned models
    return entry.model_copy(
        update={
            "model": model,
            "deployments": [d.model_copy(update={"deployment": wire}) for d in serving],
            "batch": [d.model_copy(update={"deployment": wire}) for d in entry.batch] if takes_batches else [],
            "version": label,
            "manifest": ledger.manifest,
            "fresh_until": fresh_until,
            "retires_on": serves_until(entry),
        }
    )


def serves_until(entry: Model) -> date | None:
    """When the service shuts down what was tuned from a model: on Azure later than the model; None: nobody knows.

    Args:
        entry: of the base model.
    """
    own = None if entry.tuning is None else entry.tuning.retires_on
    return entry.retires_on if own is None else own
