"""The vendors' requests and responses as plain values: what is asked is read from one, and an answer written into the other."""

from __future__ import annotations

from typing import Any

from leadscout_assets.llm.stub.model import tokens


def openai_data(body: dict[str, Any]) -> str:
    """Return the user message of a chat request."""
    return str(body["messages"][-1]["content"])


def anthropic_data(body: dict[str, Any]) -> str:
    """Return the user message of a messages request."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def most_tokens(body: dict[str, Any]) -> int:
    """Return the limit of a reply's length."""
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 4096)


def openai_response(number: int, body: dict[str, Any], text: str, fault: str) -> dict[str, Any]:
    """Return a chat completion."""
    cut, length = _cut(text, body, fault)
    message: dict[str, Any] = {"role": "assistant", "content": cut, "refusal": None}
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    sent = tokens(str(body["messages"]))
    return {
        "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_750_000_000, "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "length" if length else "stop"}],
        "usage": {"prompt_tokens": sent, "completion_tokens": tokens(cut), "total_tokens": sent + tokens(cut)},
    }  # fmt: skip


def anthropic_response(number: int, body: dict[str, Any], text: str, fault: str) -> dict[str, Any]:
    """Return a message."""
    cut, length = _cut(text, body, fault)
    ended = "refusal" if fault == "refusal" else "max_tokens" if length else "end_turn"
    return {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"],
        "content": [] if fault == "refusal" else [{"type": "text", "text": cut}],
        "stop_reason": ended, "stop_sequence": None,
        "usage": {"input_tokens": tokens(str(body["messages"]) + str(body.get("system", ""))), "output_tokens": tokens(cut)},
    }  # fmt: skip


def _cut(text: str, body: dict[str, Any], fault: str) -> tuple[str, bool]:
    most = most_tokens(body) * 4
    if fault == "truncated":
        most = min(most, len(text) // 2)
    if fault == "refusal":
        return "", False
    return text[:most], len(text) > most
