"""How the stand-in keeps fine-tuning jobs and deployments: times, limits and what goes wrong on purpose.

All durations are seconds of service time; a real second holds `batch_speed` of them.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emulator.faults import checked_faults

DAY_S = 86_400.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TuningSettings(_Strict):
    """Fine-tuning jobs and deployments.

    Attributes:
        training: closed turns every create away with 403, as a service does that no longer trains.
        tunable: model ids that can be trained; None: all of the catalogue.
        organization: stands in the ids of tuned models of profile openai.
        validating_s, queued_s, running_s, pausing_s: how long a job stays in each state.
        most_running: jobs that run at once; others wait.
        arm_versions: versions that the Resource Manager accepts.
        deploying_s, deleting_s: how long a deployment takes to come and to go.
        not_found_s: how long a new deployment still answers DeploymentNotFound.
        capacity: thousands of tokens a minute that all deployments share; None: not limited.
        developer_life_s: after which a deployment of the developer tier is removed.
        idle_life_s: after which a deployment without a call is removed.
    """

    training: Literal["open", "closed"] = "open"
    tunable: tuple[str, ...] | None = None
    organization: str = "emulator"
    validating_s: float = Field(5.0, ge=0)
    queued_s: float = Field(5.0, ge=0)
    running_s: float = Field(60.0, ge=0)
    pausing_s: float = Field(3.0, ge=0)
    most_running: int = Field(3, gt=0)
    arm_versions: tuple[str, ...] = ("2023-05-01", "2024-10-01", "2025-06-01", "2025-09-01")
    deploying_s: float = Field(10.0, ge=0)
    deleting_s: float = Field(2.0, ge=0)
    not_found_s: float = Field(0.0, ge=0)
    capacity: int | None = Field(None, gt=0)
    developer_life_s: float = Field(DAY_S, gt=0)
    idle_life_s: float = Field(15 * DAY_S, gt=0)


class TuningFaults(_Strict):
    """What goes wrong on purpose; jobs already created keep theirs.

    Attributes:
        failed_after_training: error code with which a job fails once it has run; None: none does.
        stuck_queued_s: a job waits this much longer before it runs.
        results_base64: the results file holds base64 of itself.
        no_results: a job that succeeds has no results file.
        cut_before_create, cut_after_create, error_after_create: the next so many creates are cut before or after they
            are accepted, or accepted and answered with status 500.
        cut_after_deploy: likewise for the next so many PUTs of a deployment.
        conflicts: the next so many PUTs of a deployment are answered with 409.
        failed_deploy: deployments end in state Failed.
    """

    failed_after_training: str | None = None
    stuck_queued_s: float = Field(0.0, ge=0)
    results_base64: bool = False
    no_results: bool = False
    cut_before_create: int = Field(0, ge=0)
    cut_after_create: int = Field(0, ge=0)
    error_after_create: int = Field(0, ge=0)
    cut_after_deploy: int = Field(0, ge=0)
    conflicts: int = Field(0, ge=0)
    failed_deploy: bool = False


def parse_tuning_faults(data: Any, *, where: str) -> TuningFaults:  # noqa: ANN401 - anything a JSON body may hold
    """Faults from decoded JSON or YAML.

    Raises:
        SettingsError: not a mapping of the keys above to values in range.
    """
    return checked_faults(TuningFaults, data, TuningFaults.model_fields, kind="tuning faults", where=where)
