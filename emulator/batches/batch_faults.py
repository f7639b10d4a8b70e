"""What can go wrong on purpose with files and batches, how often, and for which of them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from emulator.faults import Faults, Share, checked_faults


class BatchFaults(BaseModel):
    """Faults of files and batches; a batch keeps the ones that were set when it was created.

    Durations are seconds of service time. Shares strike lines one by one, drawn from (seed, custom_id, how often that
    id was in a batch), never from the order of work.

    Attributes:
        answers: faults of single calls, struck on lines; those of connections have no effect in a batch.
        lost_lines: bought, in no file. repeated_lines: written twice, bought once.
        misfiled_lines: in the other file. blank_lines: an empty line follows.
        response_null: no response, an error object instead. status_zero: a response with status_code 0.
        all_failed: every line fails with status 500; the batch completes without an output file.
        torn_last_line: the output file ends in the middle of its last line.
        unknown_fields: members nobody knows, in objects and lines.
        lying_counts: request_counts say that everything was completed.
        validating_s, finalizing_s, cancelling_s: longer by this much. file_pending_s: likewise for uploads.
        failed: code with which a batch fails `failed_after_s` after its creation; None: none does.
        expired_share: a batch expires with this share of its lines done; None: none does.
        listed_after_s: a new batch is missing from lists for up to this long, drawn for each.
        file_error: uploads end in status error.
        cut_before_create, cut_after_create, error_after_create: the next so many creates are cut before or after they
            are accepted, or accepted and answered with status 500.
        cut_after_upload, cut_download: likewise for uploads, and for downloads in their middle.
        first_batches: only this many batches, counted since the faults were set; None: no end.
        per_id: lines of one custom_id are struck this many times at most; None: every batch draws anew.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    answers: Faults = Faults()
    lost_lines: Share = Field(0.0, ge=0, le=1)
    repeated_lines: Share = Field(0.0, ge=0, le=1)
    misfiled_lines: Share = Field(0.0, ge=0, le=1)
    blank_lines: Share = Field(0.0, ge=0, le=1)
    response_null: Share = Field(0.0, ge=0, le=1)
    status_zero: Share = Field(0.0, ge=0, le=1)
    all_failed: bool = False
    torn_last_line: bool = False
    unknown_fields: bool = False
    lying_counts: bool = False
    validating_s: float = Field(0.0, ge=0)
    finalizing_s: float = Field(0.0, ge=0)
    cancelling_s: float = Field(0.0, ge=0)
    file_pending_s: float = Field(0.0, ge=0)
    failed: str | None = None
    failed_after_s: float = Field(0.0, ge=0)
    expired_share: Share | None = Field(None, ge=0, le=1)
    listed_after_s: float = Field(0.0, ge=0)
    file_error: bool = False
    cut_before_create: int = Field(0, ge=0)
    cut_after_create: int = Field(0, ge=0)
    error_after_create: int = Field(0, ge=0)
    cut_after_upload: int = Field(0, ge=0)
    cut_download: int = Field(0, ge=0)
    first_batches: int | None = Field(None, ge=0)
    per_id: int | None = Field(None, ge=0)


NO_BATCH_FAULTS = BatchFaults()


def parse_batch_faults(data: Any, *, where: str) -> BatchFaults:  # noqa: ANN401 - anything a JSON body may hold
    """Faults from decoded JSON or YAML.

    Raises:
        SettingsError: not a mapping of the keys above to values in range.
    """
    return checked_faults(BatchFaults, data, BatchFaults.model_fields, kind="batch faults", where=where)
