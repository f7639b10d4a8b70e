"""The error tree and the exit codes.

NightpollError                      exit code 1
├── UserInputError                  2   something the user wrote or named is wrong
│   ├── StudyError                      study, models file or arguments; carries every problem found
│   ├── SurveyFileError                 the survey file itself
│   └── SettingsError                   environment, .env, command line
├── FormatError                     2   a persisted form this version does not read
├── EnvironmentFailureError         6   resume goes on once it is mended
│   ├── StoreError                      disk full, read-only, damaged file
│   │   └── StoreAwayError                  of a store over the network: waited out
│   │       └── NoCredentialsError      2       or nobody said as whom it is to be asked
│   └── BrokerError                     Redis unreachable
├── BudgetError                     4   money is left over for something smaller only
├── RunInUseError                   7
│   └── LockLostError                   the holder was stopped or cut off for longer than its lock lasts
└── ModelError                      1   one call to a model service
    ├── TransientModelError         6   worth another try; `maybe_paid` says the answer may have been bought
    │   └── RateLimitedError            `retry_after_s` may carry the service's hint
    ├── RejectedRequestError        5   this request will never succeed, others may
    │   ├── OversizedRequestError       `retry_after_s`: the service only asks to come back in a day
    │   └── UnsupportedParameterError   the model refuses a parameter or its value
    └── ServiceRefusedError         5   no request will succeed: key, quota, model gone
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Named exit codes of every command."""

    DONE = 0
    UNEXPECTED = 1
    WRONG_INPUT = 2
    TASKS_FAILED = 3
    BUDGET = 4
    SERVICE_REFUSED = 5
    ENVIRONMENT = 6
    IN_USE = 7
    CANCELLED = 8
    CHECK_SAID_NO = 9
    SIGINT = 130
    SIGTERM = 143


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what the user gave, told so that it can be mended.

    Attributes:
        what: one sentence.
        where: file, with line where known ("study.yaml:14"), variable or option; "" if nowhere in particular.
        hint: what to do; "" if obvious.
        level: "error" stops, "warning" and "note" are only shown.
        code: a stable snake_case name for scripts and tests.
    """

    what: str
    where: str = ""
    hint: str = ""
    level: str = "error"
    code: str = "invalid"

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f" {self.hint}" if self.hint else "")


class NightpollError(Exception):
    """Base of all our errors: says what, where and what to do."""

    exit_code: ExitCode = ExitCode.UNEXPECTED
    code: str = "unexpected"

    def __init__(self, what: str, *, where: str = "", hint: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return str(Problem(self.what, self.where, self.hint))


class UserInputError(NightpollError):
    """What the user wrote or named is wrong."""

    exit_code = ExitCode.WRONG_INPUT
    code = "wrong_input"


class StudyError(UserInputError):
    """The study, the models file or their combination is wrong; `problems` lists everything found."""

    code = "study"

    def __init__(self, problems: Sequence[Problem] | str, *, where: str = "", hint: str = "") -> None:
        if isinstance(problems, str):
            problems = [Problem(problems, where, hint)]
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(first.what + more, where=first.where, hint=first.hint)


class SurveyFileError(UserInputError):
    """The survey file cannot be read or lacks what the study needs."""

    code = "survey_file"


class SettingsError(UserInputError):
    """An environment variable, .env entry or command-line option is wrong."""

    code = "settings"


class FormatError(NightpollError):
    """A persisted form with a format number that this version does not read."""

    exit_code = ExitCode.WRONG_INPUT
    code = "format"


class EnvironmentFailureError(NightpollError):
    """Store, broker or endpoint unreachable, disk full: resume goes on once it is mended."""

    exit_code = ExitCode.ENVIRONMENT
    code = "environment"


class StoreError(EnvironmentFailureError):
    """The store cannot be read or written, or a file in it is damaged."""

    code = "store"


class StoreAwayError(StoreError):
    """A store over the network cannot be reached now: waited out where a full disk would stop a run."""

    code = "store_away"


class NoCredentialsError(StoreAwayError):
    """Nobody said as whom a store over the network is to be asked, or the machine's role cannot be told just now."""

    exit_code = ExitCode.WRONG_INPUT
    code = "no_credentials"


class BrokerError(EnvironmentFailureError):
    """Redis cannot be reached or started."""

    code = "broker"


class BudgetError(NightpollError):
    """What was asked for would cost more than a budget leaves."""

    exit_code = ExitCode.BUDGET
    code = "over_budget"


class RunInUseError(NightpollError):
    """Another process holds the run."""

    exit_code = ExitCode.IN_USE
    code = "in_use"


class LockLostError(RunInUseError):
    """A lock that runs out was lost while its holder was stopped or cut off; another may be at work."""

    def __init__(self) -> None:
        super().__init__(
            "this process was stopped or cut off for so long that another may have taken its place.",
            hint="Nothing more was begun here. `nightpoll status` shows what became of it.",
        )


class ModelError(NightpollError):
    """A call to a model service did not give an answer.

    Attributes:
        http_status: the status, None if there was no response.
    """

    code = "model"

    def __init__(self, what: str, *, code: str | None = None, http_status: int | None = None, hint: str = "") -> None:
        super().__init__(what, hint=hint, code=code)
        self.http_status = http_status


class TransientModelError(ModelError):
    """Worth another try.

    Attributes:
        maybe_paid: the request may have been accepted and billed although no answer reached us.
        retry_after_s: the service's hint in seconds, or None.
    """

    exit_code = ExitCode.ENVIRONMENT
    code = "transient"

    def __init__(
        self,
        what: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        maybe_paid: bool = False,
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(what, code=code, http_status=http_status, hint=hint)
        self.maybe_paid = maybe_paid
        self.retry_after_s = retry_after_s


class RateLimitedError(TransientModelError):
    """The service asks to slow down; `retry_after_s` is its hint in seconds or None."""

    code = "rate_limited"

    def __init__(self, what: str, *, retry_after_s: float | None = None, code: str | None = None) -> None:
        super().__init__(what, code=code, http_status=429, retry_after_s=retry_after_s)


class RejectedRequestError(ModelError):
    """This request will never succeed; others of the run may."""

    exit_code = ExitCode.SERVICE_REFUSED
    code = "rejected"


class OversizedRequestError(RejectedRequestError):
    """The request is larger than the model's window or the quota of a whole minute.

    Attributes:
        retry_after_s: set if all the service says is to come back in a day, which may also mean a quota used up.
    """

    code = "oversized"
    retry_after_s: float | None = None


class UnsupportedParameterError(RejectedRequestError):
    """The model refuses a parameter, whatever the prompt.

    Attributes:
        parameter: its wire name.
        instead: the name that the service says to use, if it does.
    """

    code = "unsupported_parameter"

    def __init__(self, what: str, *, parameter: str, instead: str | None, code: str, http_status: int) -> None:
        super().__init__(what, code=code, http_status=http_status)
        self.parameter = parameter
        self.instead = instead


class ServiceRefusedError(ModelError):
    """No request to this deployment will succeed: wrong key, no permission, no credit, model gone."""

    exit_code = ExitCode.SERVICE_REFUSED
    code = "service_refused"
