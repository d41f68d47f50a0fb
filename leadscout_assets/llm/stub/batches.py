"""The stand-in's batch protocols: files and batches as OpenAI has them, message batches as Anthropic has them."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from leadscout_assets.llm.stub.model import reply
from leadscout_assets.llm.stub.protocols import anthropic_data, anthropic_response, openai_data, openai_response

if TYPE_CHECKING:
    from leadscout_assets.llm.stub.server import Bill

POLLS_UNTIL_DONE = 2
"""How often a batch is looked at before it has ended."""


class Batches:
    """Every batch that was submitted, in order. A batch that is submitted twice is two batches, each charged."""

    def __init__(self, bill: Bill, seed: int) -> None:
        self._bill, self._seed, self._lock = bill, seed, threading.Lock()
        self.files: dict[str, bytes] = {}
        self.submitted: list[dict[str, Any]] = []
        self._uploads = 0

    def handle(
        self, method: str, path: str, query: dict[str, str], sent: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Answer one request: status and body."""
        with self._lock, suppress(KeyError):
            for pattern, wanted, answer in _ROUTES:
                if method == wanted and (match := re.fullmatch(pattern, path)):
                    found = answer(self, match, query, sent, headers)
                    return (200, found if isinstance(found, bytes) else json.dumps(found).encode())
        return 404, b'{"error": {"message": "no such path"}}'

    def _upload(self, _m: re.Match[str], _q: dict[str, str], sent: bytes, headers: dict[str, str]) -> Any:
        kind = next(value for name, value in headers.items() if name.lower() == "content-type")
        boundary = kind.split("boundary=")[1].strip('"').encode()
        part = next(p for p in sent.split(b"--" + boundary) if b'name="file"' in p)
        self._uploads += 1
        name = f"file-{self._uploads}"
        self.files[name] = part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
        return {
            "id": name,
            "object": "file",
            "bytes": len(self.files[name]),
            "created_at": 0,
            "filename": "b.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _content(self, match: re.Match[str], *_: Any) -> bytes:
        return self.files[match[1]]

    def _openai_create(self, _m: re.Match[str], _q: dict[str, str], sent: bytes, _h: dict[str, str]) -> Any:
        body = json.loads(sent)
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines() if line.strip()]
        requests = [(line["custom_id"], line["body"]) for line in lines]
        return self._openai_shown(self._take("openai", requests, body.get("metadata") or {}, body["input_file_id"]))

    def _anthropic_create(self, _m: re.Match[str], _q: dict[str, str], sent: bytes, _h: dict[str, str]) -> Any:
        requests = [(one["custom_id"], one["params"]) for one in json.loads(sent)["requests"]]
        return self._anthropic_shown(self._take("anthropic", requests, {}))

    def _take(
        self, vendor: str, requests: list[tuple[str, Any]], metadata: dict[str, str], file: str = ""
    ) -> dict[str, Any]:
        self._bill.seen()
        batch = {
            "id": f"batch_{len(self.submitted)}", "vendor": vendor, "requests": requests, "metadata": metadata, "polls": 0,
            "at": time.time(), "results": None, "file": file, "deleted": False,
        }  # fmt: skip
        self.submitted.append(batch)
        return batch

    def _look(self, batch: dict[str, Any]) -> None:
        batch["polls"] += 1
        if batch["polls"] < POLLS_UNTIL_DONE or batch["results"] is not None:
            return
        results: list[dict[str, Any]] = []
        for number, (custom, body) in enumerate(batch["requests"]):
            openai = batch["vendor"] == "openai"
            text = reply(openai_data(body) if openai else anthropic_data(body), "ok", self._seed)
            response = (openai_response if openai else anthropic_response)(number, body, text, "ok")
            usage = response["usage"]
            counts = [
                usage.get("prompt_tokens", usage.get("input_tokens")),
                usage.get("completion_tokens", usage.get("output_tokens")),
            ]
            self._bill.charge(batch["vendor"], body["model"], *counts, batch=True)
            if openai:
                results.append(
                    {
                        "id": f"r{number}",
                        "custom_id": custom,
                        "response": {"status_code": 200, "request_id": "r", "body": response},
                        "error": None,
                    }
                )
            else:
                results.append({"custom_id": custom, "result": {"type": "succeeded", "message": response}})
        results.reverse()  # in any order
        batch["results"] = results
        self.files[f"file-out-{batch['id']}"] = b"\n".join(json.dumps(one).encode() for one in results)

    def _get(self, match: re.Match[str], *_: Any) -> Any:
        batch = self._find(match[1])
        self._look(batch)
        return (self._openai_shown if batch["vendor"] == "openai" else self._anthropic_shown)(batch)

    def _find(self, name: str) -> dict[str, Any]:
        return {batch["id"]: batch for batch in self.submitted if not batch["deleted"]}[name]

    def _results(self, match: re.Match[str], *_: Any) -> bytes:
        return self.files[f"file-out-{match[1]}"]

    def _delete_file(self, match: re.Match[str], *_: Any) -> Any:
        del self.files[match[1]]
        return {"id": match[1], "object": "file", "deleted": True}

    def _delete_batch(self, match: re.Match[str], *_: Any) -> Any:
        batch = self._find(match[1])
        batch["deleted"] = True
        del self.files[f"file-out-{batch['id']}"]
        return {"id": batch["id"], "type": "message_batch_deleted"}

    def _openai_list(self, *_: Any) -> Any:
        shown = [self._openai_shown(b) for b in reversed(self.submitted) if b["vendor"] == "openai"]
        return {"object": "list", "data": shown, "has_more": False, "first_id": None, "last_id": None}

    def _anthropic_list(self, *_: Any) -> Any:
        shown = [
            self._anthropic_shown(b)
            for b in reversed(self.submitted)
            if b["vendor"] == "anthropic" and not b["deleted"]
        ]
        return {"data": shown, "has_more": False, "first_id": None, "last_id": None}

    def _openai_shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        done = batch["results"] is not None
        return {
            "id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": batch["file"],
            "completion_window": "24h", "created_at": int(batch["at"]), "status": "completed" if done else "in_progress",
            "output_file_id": f"file-out-{batch['id']}" if done else None, "metadata": batch["metadata"],
        }  # fmt: skip

    def _anthropic_shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        done = batch["results"] is not None
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch["at"]))
        counts = {"processing": 0, "succeeded": len(batch["requests"]), "errored": 0, "canceled": 0, "expired": 0}
        return {
            "id": batch["id"], "type": "message_batch", "processing_status": "ended" if done else "in_progress",
            "request_counts": counts, "created_at": moment, "expires_at": moment, "ended_at": moment if done else None,
            "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"/v1/messages/batches/{batch['id']}/results" if done else None,
        }  # fmt: skip


_ROUTES: tuple[tuple[str, str, Any], ...] = (
    (r"/v1/files", "POST", Batches._upload),
    (r"/v1/files/([\w-]+)/content", "GET", Batches._content),
    (r"/v1/files/([\w-]+)", "DELETE", Batches._delete_file),
    (r"/v1/batches", "POST", Batches._openai_create),
    (r"/v1/batches", "GET", Batches._openai_list),
    (r"/v1/batches/([\w-]+)", "GET", Batches._get),
    (r"/v1/messages/batches", "POST", Batches._anthropic_create),
    (r"/v1/messages/batches", "GET", Batches._anthropic_list),
    (r"/v1/messages/batches/([\w-]+)", "GET", Batches._get),
    (r"/v1/messages/batches/([\w-]+)", "DELETE", Batches._delete_batch),
    (r"/v1/messages/batches/([\w-]+)/results", "GET", Batches._results),
)
