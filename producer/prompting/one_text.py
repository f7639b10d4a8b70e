"""Conversations as one text, for models of the older form: pieces stay pieces, so that nothing is escaped twice."""

from collections.abc import Sequence

from producer.prompting.conversation import Conversation, Turn
from producer.prompting.pieces import CountTokens, Message, Piece, piece_of
from schemas.completion_form import ANSWERED, BETWEEN, PROMPT_ROLE, SEPARATOR
from schemas.errors import StudyError


class OneText:
    """Writes conversations the way `schemas.completion_form.as_prompt` does."""

    def __init__(self, count: CountTokens) -> None:
        self._between = piece_of(BETWEEN, count)
        self._answered = piece_of(ANSWERED, count)
        self._end = piece_of(SEPARATOR, count)

    def of(self, conversation: Conversation) -> Conversation:
        """The conversation with each of its calls as one text.

        Raises:
            StudyError: a later turn goes on after an earlier answer.
        """
        if not all(turn.is_fresh for turn in conversation.later):
            what = "a completion model takes no conversation of several turns."
            raise StudyError(what, hint="Ask a chat model, or write the prompt with one turn.")
        later = tuple(Turn(self._text(turn.messages), turn.is_fresh) for turn in conversation.later)
        return Conversation(self._text(conversation.first), later)

    def _text(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        if not messages:
            return ()  # the first conversation once more
        pieces: list[Piece] = []
        for at, message in enumerate(messages):
            pieces += [self._between] if at else []
            pieces += [self._answered] if message.role == "assistant" else []
            pieces += message.pieces
        return (Message(PROMPT_ROLE, (*pieces, self._end)),)
