"""An OpenAI-compatible server for one trained model: /v1/models and /v1/chat/completions, streaming and not.

Owns the protocol, the key and the bounds on what a request may ask. One answer is generated at a time. It listens
where it is told to, which is loopback unless somebody says otherwise.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..contract.failures import DataError
from ..process import environment

_BODY = 4 << 20
_MOST_TOKENS = 4096
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class Refused(Exception):
    """A request that is not obeyed, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Generator:
    """Answers with one model. `generate` yields pieces of text, then the reason of the end and the token counts."""

    def __init__(self, answering: Any) -> None:
        self._answering = answering
        self._turn = threading.Lock()

    def generate(self, messages: list[dict[str, str]], options: dict[str, Any]) -> Iterator[Any]:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        from .loading import prompt

        own = self._answering
        tokens = prompt(own.tokenizer, messages)
        context = getattr(own.model.config.get_text_config(), "max_position_embeddings", None)
        room = _MOST_TOKENS if context is None else context - len(tokens)
        if room < 1:
            raise Refused(400, f"the conversation has {len(tokens)} tokens, and the model reads {context}")
        gone = threading.Event()

        class Gone(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((input_ids.shape[0],), gone.is_set(), device=input_ids.device)

        ids = torch.tensor([tokens], device=own.device)
        ends = getattr(own.model.generation_config, "eos_token_id", None)
        ends = list(ends) if isinstance(ends, list) else [ends]
        ends = sorted({int(end) for end in [*ends, own.tokenizer.eos_token_id] if end is not None})
        sampled = options["temperature"] > 0
        choice = {"temperature": options["temperature"], "top_p": options["top_p"]} if sampled else {}
        pad = own.tokenizer.pad_token_id
        streamer = TextIteratorStreamer(own.tokenizer, skip_prompt=True, skip_special_tokens=True)
        result: dict[str, Any] = {}

        def work() -> None:
            try:
                with torch.no_grad():
                    if options["seed"] is not None:
                        torch.manual_seed(options["seed"])
                    result["ids"] = own.model.generate(
                        input_ids=ids,
                        attention_mask=torch.ones_like(ids),
                        do_sample=sampled,
                        max_new_tokens=min(options["max_tokens"], room),
                        eos_token_id=ends,
                        pad_token_id=ends[0] if pad is None else pad,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([Gone()]),
                        **choice,
                    )
            except Exception as error:  # told to whoever waits for the pieces
                result["error"] = error
                streamer.end()

        with self._turn:
            worker = threading.Thread(target=work)
            worker.start()
            try:
                yield from _until_stop(streamer, options["stop"], result)
            finally:
                gone.set()  # nobody reads on: the client left, or a stop was found
                worker.join()
        if "error" in result:
            raise result["error"]
        made = result["ids"][0, len(tokens) :].tolist()
        ended = result.get("stopped", False) or (bool(made) and made[-1] in ends)
        yield {
            "finish_reason": "stop" if ended else "length",
            "usage": {
                "prompt_tokens": len(tokens),
                "completion_tokens": len(made),
                "total_tokens": len(tokens) + len(made),
            },
        }


def _until_stop(pieces: Iterator[str], stops: list[str], result: dict[str, Any]) -> Iterator[str]:
    """The text up to the first of `stops`, holding back what could be the beginning of one."""
    held = ""
    longest = max(map(len, stops), default=0)
    for piece in pieces:
        held += piece
        found = [held.index(stop) for stop in stops if stop in held]
        if found:
            result["stopped"] = True
            if held[: min(found)]:
                yield held[: min(found)]
            return
        keep = max(0, longest - 1)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def _options(request: dict[str, Any]) -> dict[str, Any]:
    def number(name: str, default: Any, least: float, most: float) -> Any:
        value = request.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise Refused(400, f"{name}: expected a number from {least:g} to {most:g}")
        return value

    if request.get("n") not in (None, 1):
        raise Refused(400, "n: one answer is given at a time")
    for unsupported in ("tools", "functions"):
        if request.get(unsupported):
            raise Refused(400, f"{unsupported} are not supported")
    stop = request.get("stop")
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, list) or not all(isinstance(one, str) and one for one in stops):
        raise Refused(400, "stop: expected a text or a list of texts")
    most = "max_completion_tokens" if request.get("max_completion_tokens") is not None else "max_tokens"
    return {
        "max_tokens": int(number(most, 512, 1, 1e9)),
        "temperature": float(number("temperature", 0.0, 0, 10)),
        "top_p": float(number("top_p", 1.0, 1e-6, 1)),
        "seed": None if request.get("seed") is None else int(number("seed", 0, 0, 2**63 - 1)),
        "stop": stops,
    }


def _messages(request: dict[str, Any]) -> list[dict[str, str]]:
    given = request.get("messages")
    if not isinstance(given, list) or not given:
        raise Refused(400, "messages: expected a list of messages")
    messages = []
    for message in given:
        role = _ROLES.get(message.get("role")) if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
            content = "".join(parts) if len(parts) == len(content) else None
        if role is None or not isinstance(content, str):
            raise Refused(400, "messages: expected a role (system, user or assistant) and a text in each")
        messages.append({"role": role, "content": content})
    return messages


def make(generator: Generator, name: str, address: tuple[str, int], key: str | None) -> ThreadingHTTPServer:
    """A server that has not begun to serve."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            self._answer(self._get)

        def do_POST(self) -> None:
            self._answer(self._post)

        def _answer(self, act: Any) -> None:
            self._begun = False
            try:
                self._authorize()
                act()
            except Refused as error:
                self._json(error.status, {"error": {"message": str(error), "type": "invalid_request_error"}})
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                self.close_connection = True
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                self.close_connection = True
                if not self._begun:
                    self._json(500, {"error": {"message": "the model could not answer", "type": "server_error"}})

        def _authorize(self) -> None:
            said = self.headers.get("Authorization", "")
            if key is not None and not hmac.compare_digest(said.encode(), f"Bearer {key}".encode()):
                self.close_connection = True
                raise Refused(401, "the API key is missing or wrong")

        def _get(self) -> None:
            if self.path.rstrip("/") != "/v1/models":
                raise Refused(404, f"there is no {self.path}; there are /v1/models and /v1/chat/completions")
            self._json(200, {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "sweep"}]})

        def _post(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > _BODY:
                self.close_connection = True
                raise Refused(413, f"a request has at most {_BODY} bytes")
            body = self.rfile.read(length)
            if self.path.rstrip("/") != "/v1/chat/completions":
                raise Refused(404, f"there is no {self.path}; there are /v1/models and /v1/chat/completions")
            try:
                request = json.loads(body)
            except ValueError as error:
                raise Refused(400, "the body is not JSON") from error
            if not isinstance(request, dict):
                raise Refused(400, "the body is no JSON object")
            pieces = generator.generate(_messages(request), _options(request))
            head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": name}
            if request.get("stream"):
                self._stream(pieces, head, bool((request.get("stream_options") or {}).get("include_usage")))
                return
            *texts, end = list(pieces)
            message = {"role": "assistant", "content": "".join(texts)}
            choice = {"index": 0, "message": message, "finish_reason": end["finish_reason"], "logprobs": None}
            self._json(200, {**head, "object": "chat.completion", "choices": [choice], "usage": end["usage"]})

        def _stream(self, pieces: Iterator[Any], head: dict[str, Any], with_usage: bool) -> None:
            head = {**head, "object": "chat.completion.chunk"}
            first = next(pieces)  # what is refused is refused before the stream begins
            self._begun = True
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-cache")
            self.send_header("Connection", "close")
            self.end_headers()

            def chunk(delta: dict[str, Any], reason: str | None = None) -> None:
                self._event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

            chunk({"role": "assistant", "content": ""})
            piece = first
            try:
                while isinstance(piece, str):
                    chunk({"content": piece})
                    piece = next(pieces)
            finally:
                pieces.close()
            chunk({}, piece["finish_reason"])
            if with_usage:
                self._event({**head, "choices": [], "usage": piece["usage"]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, value: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()

        def _json(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass  # what was asked is nobody else's business

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    return server


def main(arguments: list[str] | None = None) -> int:
    """Serves until standard input closes or a signal ends it; prints one JSON line once it listens."""
    parser = argparse.ArgumentParser(prog="sweep_trainer.winner.server")
    parser.add_argument("--base", required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key-from", default="SWEEP_API_KEY", help="the environment variable that holds the key")
    parsed = parser.parse_args(arguments)
    environment.prepare()
    from .loading import load

    try:
        answering = load(parsed.base, parsed.adapter)
        key = os.environ.get(parsed.key_from) or None
        server = make(Generator(answering), parsed.name, (parsed.host, parsed.port), key)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{parsed.host}:{parsed.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(json.dumps({"type": "listening", "port": server.server_address[1]}), flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
