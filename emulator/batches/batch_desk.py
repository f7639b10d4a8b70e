"""All batches of one emulator: created, worked off as time goes by, cancelled, and their files put on the shelf."""

from dataclasses import dataclass
from math import inf
from typing import Any
from uuid import uuid4

from emulator.answering.answers import Usage
from emulator.answering.seeds import draws
from emulator.batches.batch_faults import NO_BATCH_FAULTS, BatchFaults
from emulator.batches.batch_input import URLS, Examined, InputError, InputRules, examine
from emulator.batches.batch_job import Job, timetable
from emulator.batches.batch_refusals import nothing_to_cancel, token_limit_exceeded
from emulator.batches.batch_work import Bench, WorkedLine
from emulator.files.shelf import OPENAI_FILE_LIFE_S, Shelf, StoredFile
from emulator.service import Service
from emulator.strikes import Strikes

_MAX_LINES = {"openai": 50_000, "azure_v1": 100_000, "azure": 100_000}


@dataclass(frozen=True)
class CreateOrder:
    """A valid create request."""

    input_file_id: str
    endpoint: str
    metadata: dict[str, str] | None
    output_expires_after_s: float | None


class BatchDesk:
    """Batches in the order of their creation. For one thread; only `examine` may run in another."""

    def __init__(self, service: Service, shelf: Shelf) -> None:
        self._service = service
        self._config = service.config
        self._settings = service.config.batch
        self._shelf = shelf
        self._time = shelf.time
        self._bench = Bench(service)
        self._jobs: dict[str, Job] = {}
        self._accepted_at: dict[str, float] = {}
        self.set_faults(service.config.batch_faults)

    def set_faults(self, faults: BatchFaults) -> None:
        """Replace the faults; batches already created keep theirs."""
        self.faults = faults
        self.strikes = Strikes(faults)
        self._n_at_faults = len(self._jobs)
        self._bench.forget_strikes()

    def examine(self, file: StoredFile, endpoint: str) -> Examined:
        """Read an input file; takes seconds for a large one."""
        urls = URLS if self._config.is_azure else (endpoint,)
        max_lines = self._settings.max_lines
        rules = InputRules(
            urls=urls,
            served=self._service.targets,
            max_lines=_MAX_LINES[self._config.profile] if max_lines is None else max_lines,
            max_bytes=self._settings.max_bytes,
            is_azure=self._config.is_azure,
        )
        return examine(self._shelf.spool.lines(file.segments[0]), file.n_bytes, rules)

    def create(self, order: CreateOrder, examined: Examined) -> Job:
        """Accept a batch.

        Raises:
            Refusal: 400, too many tokens are queued.
        """
        now, number = self._time.now(), len(self._jobs) + 1
        faults = self._faults_of_next()
        token_failure = self._over_token_limit(examined)
        deadline_at = now + self._settings.window_s
        job = Job(
            id=f"batch_{uuid4().hex}",
            number=number,
            input_file_id=order.input_file_id,
            endpoint=order.endpoint,
            metadata=order.metadata,
            output_expires_after_s=order.output_expires_after_s,
            created_at=now,
            expires_at=deadline_at,
            examined=examined,
            timetable=timetable(
                examined,
                created_at=now,
                deadline_at=inf if self._config.is_azure else deadline_at,
                validating_s=self._settings.validating_s,
                working_s=self._settings.working_s,
                finalizing_s=self._settings.finalizing_s,
                faults=faults,
                token_failure=token_failure,
            ),
            faults=faults,
            reserved_tokens=0 if token_failure is not None else examined.prompt_tokens,
            listed_at=now + faults.listed_after_s * draws("listed", self._config.seed, number).first,
        )
        self._jobs[job.id] = job
        self._accepted_at[job.id] = self._service.wall()
        return job

    def find(self, batch_id: str) -> Job | None:
        """A batch by its id, listed or not."""
        return self._jobs.get(batch_id)

    def listed(self) -> list[Job]:
        """Batches that lists show: newest first in profile openai, oldest first elsewhere."""
        now = self._time.now()
        shown = [job for job in self._jobs.values() if job.listed_at <= now]
        return shown if self._config.is_azure else shown[::-1]

    def all(self) -> list[Job]:
        """Every batch accepted, in order."""
        return list(self._jobs.values())

    def cancel(self, job: Job) -> None:
        """Begin to cancel; a batch that is being cancelled stays so.

        Raises:
            Refusal: it is over.
        """
        if job.is_over:
            raise nothing_to_cancel(self._config, job.status)
        if job.status != "cancelling":
            now = self._time.now()
            job.cancelled_at = now + self._settings.cancelling_s + job.faults.cancelling_s
            job.enter("cancelling", now)

    def queued_tokens(self, model: str) -> int:
        """Prompt tokens in batches of a deployment that are not over."""
        return sum(job.reserved_tokens for job in self._jobs.values() if job.examined.model == model)

    def token_limit(self, model: str) -> int | None:
        """Most tokens that may be queued for a deployment."""
        target = self._service.targets.get(model)
        own = None if target is None else target.served.enqueued_tokens
        return self._settings.enqueued_tokens if own is None else own

    def advance(self, max_lines: int) -> int:
        """Bring all batches to the present, working off a bounded number of lines; returns how many were."""
        now, left = self._time.now(), max_lines
        for job in self._jobs.values():
            while not job.is_over:
                if job.status == "in_progress":
                    left -= self._work(job, now, left)
                if not job.step(now):
                    break
                if job.is_over:
                    self._put_files(job)
        return max_lines - left

    def next_due_s(self) -> float | None:
        """Real seconds until something may change; None: nothing is under way."""
        open_jobs = [job for job in self._jobs.values() if not job.is_over]
        if not open_jobs:
            return None
        due_at = min(job.due_at for job in open_jobs)
        return max(0.0, self._time.real_s(due_at - self._time.now()))

    def _faults_of_next(self) -> BatchFaults:
        first = self.faults.first_batches
        if first is not None and len(self._jobs) - self._n_at_faults >= first:
            return NO_BATCH_FAULTS
        return self.faults

    def _over_token_limit(self, examined: Examined) -> InputError | None:
        limit = self.token_limit(examined.model)
        if limit is None or self.queued_tokens(examined.model) + examined.prompt_tokens <= limit:
            return None
        when = self._settings.token_refusal
        if when == "create" or (when is None and self._config.is_azure):
            raise token_limit_exceeded(self._config, examined.model, limit)
        text = token_limit_exceeded(self._config, examined.model, limit).error["message"]
        return InputError("token_limit_exceeded", text, None)

    def _work(self, job: Job, now: float, at_most: int) -> int:
        due = min(job.timetable.due_lines(now), job.n_done + at_most)
        n_before = job.n_done
        for place in job.examined.lines[n_before:due]:
            raw = self._shelf.spool.read(place)
            worked = self._bench.work(
                raw,
                faults=job.faults,
                batch_id=job.id,
                accepted_at=self._accepted_at[job.id],
                created=int(now),
            )
            self._write(job, worked)
        return job.n_done - n_before

    def _write(self, job: Job, worked: WorkedLine) -> None:
        job.n_done += 1
        job.n_failed += worked.is_error
        if worked.answer is not None:
            job.usage = _sum(job.usage, worked.answer.usage)
        lines = job.errors if worked.is_error != worked.misfiled else job.output
        data = worked.text + (b"\n\n" if worked.blank_after else b"\n")
        for copy in range(worked.copies):
            lines.append((worked.shuffle_key + copy * 0.5, self._shelf.spool.append(data)))

    def _put_files(self, job: Job) -> None:
        if job.status == "failed":
            return
        if job.status == "expired" and not self._config.is_azure:
            for place in job.examined.lines[job.n_done :]:
                key, line = self._bench.undone(self._shelf.spool.read(place), job.id)
                job.errors.append((key, self._shelf.spool.append(line + b"\n")))
                job.n_failed += 1
        job.output.sort()
        job.errors.sort()
        if job.faults.torn_last_line and job.output:
            key, last = job.output[-1]
            job.output[-1] = (key, last._replace(length=last.length // 2))
        if job.output:
            job.output_file_id = self._put(job, job.output, "output").id
        if job.errors or self._config.is_azure:
            job.error_file_id = self._put(job, job.errors, "error").id

    def _put(self, job: Job, lines: list[tuple[float, Any]], name: str) -> StoredFile:
        life_s = job.output_expires_after_s
        if life_s is None and not self._config.is_azure:
            life_s = OPENAI_FILE_LIFE_S
        return self._shelf.add(
            (segment for _, segment in lines),
            filename=f"{job.id}_{name}.jsonl",
            purpose="batch_output",
            expires_after_s=life_s,
        )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(*(a + b for a, b in zip(_counts(one), _counts(other), strict=True)))


def _counts(usage: Usage) -> tuple[int, int, int, int]:
    return usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.reasoning_tokens
