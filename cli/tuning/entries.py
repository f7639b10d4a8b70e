"""The models file's entry of a job as it is now: keys, addresses, tiers and prices change while a training runs."""

from cli.context import load_settings
from cli.tuning.context import is_simulated, model_entry
from cli.views.console import err
from providers.service import origin
from schemas.errors import NightpollError
from schemas.models import Model
from schemas.tuning import TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger


def with_entry_of_today(ledger: TuningLedger) -> TuningLedger:
    """The ledger with the entry of the models file, where it still is the model of the job; else as it was.

    Which address is asked is told on stderr whenever it may not be the expected one. Nothing is written.
    """
    name, then = ledger.entry_name, _place(ledger.entry)
    try:
        entry = model_entry(name, None, load_settings())
    except NightpollError as error:
        _tell(f"{then} is asked, as at submit: {error.what}")
        return ledger
    changed = _why_another(entry, ledger)
    if changed:
        _tell(f"{then} is asked, as at submit: {name} in the models file {changed}.")
        return ledger
    if _place(entry) != then:
        _tell(f"{_place(entry)} is asked, as the models file says now; {name} was at {then} at submit.")
    return ledger.model_copy(update={"entry": entry})


def is_in_models_file(name: str) -> bool:
    """Whether the models file has an entry of this name: a study that writes it means that one."""
    try:
        model_entry(name, None, load_settings())
    except NightpollError:
        return False
    return True


def keep_entry(store: Store, ledger: TuningLedger) -> None:
    """Write the entry of today down, for the keeper and for what comes later."""

    def edited(before: TuningLedger | None) -> TuningLedger:
        return (ledger if before is None else before).model_copy(update={"entry": ledger.entry})

    change_ledger(store, ledger.key, edited)


def _why_another(entry: Model, ledger: TuningLedger) -> str:
    if (entry.provider, entry.model) != (ledger.entry.provider, ledger.entry.model):
        return f"is {entry.provider} {entry.model} now"
    if is_simulated(entry) != ledger.simulated:
        return "is a real service now" if ledger.simulated else "is an emulator now"
    return ""


def _place(entry: Model) -> str:
    return origin(entry.deployments[0].base_url).partition("://")[2]


def _tell(sentence: str) -> None:
    err.print(sentence, style="yellow", markup=False)
