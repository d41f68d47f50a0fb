"""The port to a language model, and the registry of adapters. What is asked, and what it may cost, is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pydantic import SecretStr


class Finished(StrEnum):
    """How a reply ended."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True)
class Reply:
    """What came back. Tokens are those that the vendor counted, None where it did not say."""

    text: str
    finished: Finished
    tokens_in: int | None
    tokens_out: int | None


@dataclass(frozen=True)
class JobReplies:
    """What a batch job that is over came to: (custom id, reply) of each line that can be read, None where the vendor did not answer.

    `answered`: how many requests the vendor says it answered, and so charges; None where it does not say.
    """

    replies: Sequence[tuple[str, Reply | None]]
    answered: int | None


class CallFailed(Exception):
    """A call without a usable reply. `code` is a word of ours; no message, as those of libraries quote what was sent.

    `charged` says whether the vendor may charge it: only where nobody can know. `fatal`: asking again changes nothing until
    somebody changes a setting. `retry_after`: seconds for which the vendor asked to be left alone.
    """

    def __init__(
        self, code: str, *, charged: bool, fatal: bool = False, retry_after: float | None = None, status: int = 0
    ) -> None:
        super().__init__(code)
        self.code, self.charged, self.fatal = code, charged, fatal
        self.retry_after, self.status = retry_after, status


class Provider(Protocol):
    """One vendor's model."""

    def ask(self, prompt: str, data: str, schema: Mapping[str, Any], *, most_tokens: int, seconds: float) -> Reply:
        """Send one request and return the reply, within `seconds` whatever the other side does. Raises `CallFailed`."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


Make = Callable[[str, "SecretStr | None", str | None], Provider]
"""Makes a provider of a model, a key and a base address; None for the vendor's own."""


def _openai(model: str, key: SecretStr | None, url: str | None) -> Provider:
    from leadscout_assets.llm.providers.openai_chat import OpenAIChat

    return OpenAIChat(model, key, url)


def _compatible(model: str, key: SecretStr | None, url: str | None) -> Provider:
    from leadscout_assets.llm.providers.openai_chat import OpenAIChat

    return OpenAIChat(model, key, url, limit_name="max_tokens")


def _anthropic(model: str, key: SecretStr | None, url: str | None) -> Provider:
    from leadscout_assets.llm.providers.anthropic_messages import AnthropicMessages

    return AnthropicMessages(model, key, url)


PROVIDERS: Mapping[str, Make] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "local": _compatible,  # llama.cpp, Ollama, vLLM: whatever speaks OpenAI's chat protocol on a machine of one's own
    "stub": _openai,
}
