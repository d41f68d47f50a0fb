"""The stand-in's batch protocols: files and batches as OpenAI has them, message batches as Anthropic has them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from leadscout_assets.llm.stub.model import reply
from leadscout_assets.llm.stub.protocols import anthropic_data, anthropic_response, openai_data, openai_response
from leadscout_assets.llm.stub.results import not_answered, spoilt, succeeded

if TYPE_CHECKING:
    from leadscout_assets.llm.stub.server import Bill

POLLS_UNTIL_DONE = 2
"""How often a batch is looked at before it has ended."""

CUT_SHORT = ("expired", "cancelled")
"""Ends of a job before all of its requests had their turn."""


class Batches:
    """Every batch that was submitted, in order. A batch that is submitted twice is two batches, each charged.

    `fate` says what befalls the next job, and the next request of one, by step.
    """

    def __init__(self, bill: Bill, seed: int, fate: Callable[[str], str]) -> None:
        self._bill, self._seed, self._fate, self._lock = bill, seed, fate, threading.Lock()
        self.files: dict[str, bytes] = {}
        self.file_names: dict[str, str] = {}
        self.submitted: list[dict[str, Any]] = []
        self._uploads = 0

    @staticmethod
    def step_of(method: str, path: str) -> str | None:
        """Return which step of the protocols a request is; None where it is none."""
        for pattern, wanted, step, _ in _ROUTES:
            if method == wanted and re.fullmatch(pattern, path):
                return step
        return None

    def handle(
        self, method: str, path: str, query: dict[str, str], sent: bytes, headers: dict[str, str], fault: str = "ok"
    ) -> tuple[int, bytes]:
        """Answer one request: status and body. `fault` spoils results."""
        with self._lock, suppress(KeyError):
            for pattern, wanted, step, answer in _ROUTES:
                if method == wanted and (match := re.fullmatch(pattern, path)):
                    found = answer(self, match, query, sent, headers)
                    body = found if isinstance(found, bytes) else json.dumps(found).encode()
                    return 200, spoilt(body, fault) if step == "results" else body
        return 404, b'{"error": {"message": "no such path"}}'

    def _upload(self, _m: re.Match[str], _q: dict[str, str], sent: bytes, headers: dict[str, str]) -> Any:
        kind = next(value for name, value in headers.items() if name.lower() == "content-type")
        boundary = kind.split("boundary=")[1].strip('"').encode()
        part = next(p for p in sent.split(b"--" + boundary) if b'name="file"' in p)
        self._uploads += 1
        name = f"file-{self._uploads}"
        head, content = part.split(b"\r\n\r\n", 1)
        self.files[name] = content.removesuffix(b"\r\n")
        told = re.search(rb'filename="([^"]*)"', head)
        self.file_names[name] = told[1].decode() if told else "b.jsonl"
        return self._file_shown(name)

    def _file_shown(self, name: str) -> dict[str, Any]:
        return {
            "id": name, "object": "file", "bytes": len(self.files[name]), "created_at": 0,
            "filename": self.file_names[name], "purpose": "batch", "status": "processed",
        }  # fmt: skip

    def _list_files(self, *_: Any) -> Any:
        shown = [self._file_shown(name) for name in self.files if name in self.file_names]
        return {"object": "list", "data": shown[::-1], "has_more": False, "first_id": None, "last_id": None}

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
            "at": time.time(), "done": False, "file": file, "deleted": False, "fate": self._fate("job"), "counts": {},
        }  # fmt: skip
        self.submitted.append(batch)
        return batch

    def _look(self, batch: dict[str, Any]) -> None:
        batch["polls"] += 1
        if batch["polls"] < POLLS_UNTIL_DONE or batch["done"]:
            return
        vendor, answers, failures = batch["vendor"], list[bytes](), list[bytes]()
        for number, (custom, body) in enumerate(batch["requests"]):
            why, spoils = self._end_of(batch["fate"], number)
            batch["counts"][why] = batch["counts"].get(why, 0) + 1
            if why != "succeeded":
                failures.append(not_answered(vendor, custom, why))
                continue
            answers.append(succeeded(vendor, custom, number, self._answered(vendor, number, body, spoils)))
        batch["done"] = True
        # In any order. OpenAI has a file of its own for what has no answer, and no file for a job that it never began.
        if vendor == "anthropic":
            answers, failures = [*failures, *answers], []
        for part, lines in (("out", answers), ("err", failures)):
            if (lines and batch["fate"] != "failed") or (vendor == "anthropic" and part == "out"):
                self.files[f"file-{part}-{batch['id']}"] = b"\n".join(reversed(lines))

    def _look_at_all(self) -> None:
        for batch in self.submitted:
            if not batch["deleted"]:
                self._look(batch)

    def _end_of(self, fate: str, number: int) -> tuple[str, str]:
        """Return how a request of a job ends, and how its answer is spoilt."""
        if fate == "failed":
            return "errored", "ok"
        if fate in CUT_SHORT and number % 2:
            return fate, "ok"
        spoils = self._fate("request")
        return "errored" if spoils == "errored" else "succeeded", spoils

    def _answered(self, vendor: str, number: int, body: dict[str, Any], spoils: str) -> dict[str, Any]:
        openai = vendor == "openai"
        text = reply(openai_data(body) if openai else anthropic_data(body), spoils, self._seed)
        response = (openai_response if openai else anthropic_response)(number, body, text, spoils)
        usage = response["usage"]
        counts = [
            usage.get("prompt_tokens", usage.get("input_tokens")),
            usage.get("completion_tokens", usage.get("output_tokens")),
        ]
        self._bill.charge(vendor, body["model"], *counts, batch=True)
        return response

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
        self._look_at_all()
        shown = [self._openai_shown(b) for b in reversed(self.submitted) if b["vendor"] == "openai"]
        return {"object": "list", "data": shown, "has_more": False, "first_id": None, "last_id": None}

    def _anthropic_list(self, *_: Any) -> Any:
        self._look_at_all()
        shown = [
            self._anthropic_shown(b)
            for b in reversed(self.submitted)
            if b["vendor"] == "anthropic" and not b["deleted"]
        ]
        return {"data": shown, "has_more": False, "first_id": None, "last_id": None}

    def _openai_shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        ended = "completed" if batch["fate"] == "ok" else batch["fate"]
        files = {
            f"{name}_file_id": file if (file := f"file-{part}-{batch['id']}") in self.files else None
            for name, part in (("output", "out"), ("error", "err"))
        }
        total, completed = len(batch["requests"]), batch["counts"].get("succeeded", 0)
        failed = total - completed if batch["done"] and batch["fate"] != "failed" else 0
        return {
            "id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": batch["file"],
            "completion_window": "24h", "created_at": int(batch["at"]), "status": ended if batch["done"] else "in_progress",
            "metadata": batch["metadata"], "request_counts": {"total": total, "completed": completed, "failed": failed},
            **files,
        }  # fmt: skip

    def _anthropic_shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        done, ended = batch["done"], batch["counts"]
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch["at"]))
        counts = {
            "processing": 0 if done else len(batch["requests"]), "succeeded": ended.get("succeeded", 0),
            "errored": ended.get("errored", 0), "canceled": ended.get("cancelled", 0), "expired": ended.get("expired", 0),
        }  # fmt: skip
        return {
            "id": batch["id"], "type": "message_batch", "processing_status": "ended" if done else "in_progress",
            "request_counts": counts, "created_at": moment, "expires_at": moment, "ended_at": moment if done else None,
            "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"/v1/messages/batches/{batch['id']}/results" if done else None,
        }  # fmt: skip


_ROUTES: tuple[tuple[str, str, str, Any], ...] = (
    (r"/v1/files", "POST", "upload", Batches._upload),
    (r"/v1/files", "GET", "list", Batches._list_files),
    (r"/v1/files/(file-out-[\w-]+)/content", "GET", "results", Batches._content),
    (r"/v1/files/([\w-]+)/content", "GET", "errors", Batches._content),
    (r"/v1/files/([\w-]+)", "DELETE", "delete", Batches._delete_file),
    (r"/v1/batches", "POST", "submit", Batches._openai_create),
    (r"/v1/batches", "GET", "list", Batches._openai_list),
    (r"/v1/batches/([\w-]+)", "GET", "poll", Batches._get),
    (r"/v1/messages/batches", "POST", "submit", Batches._anthropic_create),
    (r"/v1/messages/batches", "GET", "list", Batches._anthropic_list),
    (r"/v1/messages/batches/([\w-]+)", "GET", "poll", Batches._get),
    (r"/v1/messages/batches/([\w-]+)", "DELETE", "delete", Batches._delete_batch),
    (r"/v1/messages/batches/([\w-]+)/results", "GET", "results", Batches._results),
)
"""Path, method, the step that it is, and who answers."""
