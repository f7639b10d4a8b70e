"""Errors about whole files, cut down to the words of services: what a file says may stand in them, unquoted.

Where the request is at hand, what a message repeats of it is known (`providers.echoes`). About a file of a batch or
a training it is not: there, only words stay that services use to talk about files. Pure.
"""

import re
from collections.abc import Iterator

from providers.echoes import REMOVED

RUN = 3
"""So many foreign words in a row are a quotation."""
MOST_FOREIGN = 1 / 3
"""A sentence of at least `LEAST` words with more foreign ones than this share goes as a whole."""
LEAST = 4

_TEXT = """
a about above accept accepted access account across add additional after again all allow allowed already also
alternate although an and another any api appear are argument array as assistant at attempt authentication available
azure base batch batches be because been before being below between billing blank blob blocked body bom boolean but by
byte bytes call called calls can cancel cancelled cannot capacity certain change character characters chat check
checkpoint choose code column comma completed completion completions contact contain contained contains content
content_filter continue correct corrupt could count create created creating current custom custom_id data dataset
decode decoding delete deleted denied deploy deployed deployment details detected developer did different digit do
does done double due duplicate duplicated duplicates during each either element empty emulator encoded encoding end
ended endpoint ends enough enqueued ensure entries entry epoch epochs error errors escape evaluation evaluations every
exact exactly example examples exceed exceeded exceeding exceeds exist exists expect expected expecting expired extra
fail failed failure false few field fields file files final fine fine-tune fine-tuned fine-tuning finished first
flagged following for form format formats found from function functions generate get given go gone good greater
harmful has hate have header help hour hours http https hyperparameter hyperparameters id identifier if in in_progress
incomplete incorrect index input instead integer internal into invalid is issue issues it item items its job jobs json
jsonl key keys kind language large larger last later least left length less like limit limited limits line lines list
literal load location long longer lower made make malformed many mark match matches max maximum may mb message
messages method metrics microsoft min minimum minute minutes missing mode model models moderation more most moved
moving must name named names need needed new newline next no none not nothing null number numbers object of off on
once one only open openai operation or order organization other our out over own page param parameter parameters parse
parsed parsing part pass passed pause paused pending per permission place plan please policies policy position
positive post prepare previous problem process processed processing project prompt prompts properties property provide
provided purpose queue queued quota quotes rate reach reached read ready reason received recommend recommended reduce
refer region rejected remove removed repeat repeated request requests require required requires resource resources
response resume resumed retry right role roles rows run running s safety same schema second seconds see seed self-harm
separator server service set setting settings sexual shorter should single size some specified start started state
status step steps stop string structure submit submitted subscription succeeded success successfully such suffix
support supported system take task tasks team term than that the their them then there these they this those
throughput time times to token tokens too tool tools total trailing train trained training transient tried true try
tuning two type types unable under unexpected unicode unique unit unknown unparseable unsafe unsupported unterminated
until up upload uploaded url use used user uses using utf-8 valid validate validated validating validation value
values version violate violates violence wait was way we weight were what when where which while whitespace will
window with within without work would wrong you your zero
"""
_WORDS = frozenset(_TEXT.split())
_WORD = re.compile(r"[\w@](?:[\w@.,\-/:=%]*[\w%])?")
_NUMBER = re.compile(r"[\d.,/:%]+")
_IDENTIFIER = re.compile(r"(?=[a-z0-9_\-.:/=]*[\d_])[a-z0-9]+(?:[_\-.:/=]+[a-z0-9]+)+")
"""As in gpt-4.1-mini, file-1, body.max_tokens, loss=0.53."""
_SENTENCE = re.compile(r".+?(?:[.!?:;](?=\s|$)|\n|$)", re.DOTALL)
_MARKED = re.compile(r"[A-Z@]|[^\x00-\x7f]")


def in_service_words(message: str) -> str:
    """The message without what may come out of a file.

    Out go: sentences in which more than a third of the words are foreign; three or more words in a row that are
    foreign or numbers; single foreign words with a capital inside a sentence, `@`, or a letter beyond ASCII. Lower-case
    identifiers with digits (models, files, jobs) stay.

    Args:
        message: of a service, keys and quotations already out of it.
    """
    return " ".join("".join(_left(sentence[0]) for sentence in _SENTENCE.finditer(message)).split())


def _left(sentence: str) -> str:
    found = list(_WORD.finditer(sentence))
    foreign = [_is_foreign(match[0]) for match in found]
    if len(found) >= LEAST and sum(foreign) > MOST_FOREIGN * len(found):
        return f" {REMOVED} "
    parts, end = [], 0
    for first, last in _cuts(found, foreign):
        parts += [sentence[end : found[first].start()], REMOVED]
        end = found[last].end()
    return "".join([*parts, sentence[end:]])


def _cuts(found: list[re.Match[str]], foreign: list[bool]) -> Iterator[tuple[int, int]]:
    """First and last word of everything that goes."""
    first = 0
    while first < len(found):
        last = first
        while last < len(found) and (foreign[last] or _NUMBER.fullmatch(found[last][0])):
            last += 1
        if last - first >= RUN and sum(foreign[first:last]) > 1:
            yield first, last - 1
        else:
            yield from ((n, n) for n in range(first, last) if n and foreign[n] and _MARKED.search(found[n][0]))
        first = max(last, first + 1)


def _is_foreign(word: str) -> bool:
    known = word.casefold() in _WORDS or _NUMBER.fullmatch(word) or _IDENTIFIER.fullmatch(word)
    return not known and not all(part.casefold() in _WORDS for part in re.split(r"[_\-./:=,]", word) if part)
