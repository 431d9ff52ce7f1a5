"""`npm run clients`: the clients that people have, against `sweep_trainer.winner.server` as a process of its own.

Runs in an environment with openai and langchain-openai; the server runs in the trainer's, named by the first argument.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import openai
from langchain_openai import ChatOpenAI

TRAINER = Path(__file__).parents[1]
BASE = TRAINER.parents[1] / "sweeps" / "quickstart" / "base-model"
KEY = "a key for this check"
QUESTION = [{"role": "user", "content": "What is Mira's job?"}]

# What a small retrieval over notes of one's own needs: find the nearest note, and ask with it.
NOTES = ["Mira is a teacher.", "Hugo has a pony.", "Anna's favourite food is plum cake."]


def words(text: str) -> set[str]:
    return set(text.lower().strip("?.").split())


def check_openai(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key=KEY)
    assert [model.id for model in client.models.list().data] == ["base"]
    ask = {"model": "base", "messages": QUESTION, "temperature": 0, "max_tokens": 12}
    whole = client.chat.completions.create(**ask)
    assert whole.choices[0].message.content
    assert whole.usage.completion_tokens <= 12
    pieces = [piece.choices[0].delta.content or "" for piece in client.chat.completions.create(**ask, stream=True)]
    assert len(pieces) > 2
    assert "".join(pieces) == whole.choices[0].message.content
    try:
        openai.OpenAI(base_url=url, api_key="another").models.list()
    except openai.AuthenticationError:
        return
    raise AssertionError("a wrong key was let in")


def check_langchain(url: str) -> None:
    model = ChatOpenAI(base_url=url, api_key=KEY, model="base", temperature=0, max_tokens=12)
    question = QUESTION[0]["content"]
    note = max(NOTES, key=lambda one: len(words(question) & words(one)))
    assert note == NOTES[0]
    answer = model.invoke(f"{note}\n\n{question}").content
    assert answer
    assert answer == "".join(part.content for part in model.stream(f"{note}\n\n{question}"))


def main(python: str) -> None:
    server = subprocess.Popen(
        [python, "-m", "sweep_trainer.winner.server", "--base", str(BASE), "--name", "base"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TRAINER / "src"), "SWEEP_API_KEY": KEY},
    )
    try:
        line = next(line for line in server.stdout if line.startswith("{"))
        url = f"http://127.0.0.1:{json.loads(line)['port']}/v1"
        check_openai(url)
        check_langchain(url)
    finally:
        server.kill()
        server.wait()
    print("openai and langchain-openai: fine")


if __name__ == "__main__":
    main(sys.argv[1])
