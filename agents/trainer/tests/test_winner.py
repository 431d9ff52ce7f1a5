"""A trained adapter served and merged: the protocol as clients speak it, and the logits."""

from __future__ import annotations

import http.client
import json
import threading
from pathlib import Path

import gguf
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    Qwen2ForCausalLM,
)

from sweep_trainer.contract.failures import DataError
from sweep_trainer.winner import gguf_file, loading, merge, server

BASE = Path(__file__).parents[3] / "sweeps" / "quickstart" / "base-model"


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A LoRA adapter that says something else than its base."""
    torch.manual_seed(0)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32),
        LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False),
    )
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def served(adapter):
    made = server.make(server.Generator(loading.load(str(BASE), adapter)), "quickstart/3", ("127.0.0.1", 0), "a-key")
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made.server_address
    made.shutdown()
    thread.join()
    made.server_close()


def ask(address, body=None, path="/v1/chat/completions", key="a-key"):
    connection = http.client.HTTPConnection(*address)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


QUESTION = {"messages": [{"role": "user", "content": "What is Mira's job?"}], "max_tokens": 12}


def test_an_answer_is_what_the_model_generates(served, adapter):
    status, text = ask(served, QUESTION)
    answer = json.loads(text)
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "quickstart/3"
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32), adapter)
    prompt = tokenizer.apply_chat_template(QUESTION["messages"], add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    made = model.generate(**ids, max_new_tokens=12, do_sample=False, pad_token_id=0)[0, ids["input_ids"].shape[1] :]
    assert answer["choices"][0]["message"]["content"] == tokenizer.decode(made, skip_special_tokens=True)
    assert answer["usage"]["prompt_tokens"] == ids["input_ids"].shape[1]
    assert answer["usage"]["completion_tokens"] == len(made)


def test_a_stream_is_the_same_answer_in_pieces(served):
    whole = json.loads(ask(served, QUESTION)[1])
    status, text = ask(served, {**QUESTION, "stream": True, "stream_options": {"include_usage": True}})
    assert status == 200
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    deltas = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    assert "".join(deltas) == whole["choices"][0]["message"]["content"]
    assert len(deltas) > 3
    assert events[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert events[-1]["usage"] == whole["usage"]


def test_an_answer_ends_before_a_stop(served):
    text = json.loads(ask(served, QUESTION)[1])["choices"][0]["message"]["content"]
    stop = text[len(text) // 2 : len(text) // 2 + 3]
    cut = json.loads(ask(served, {**QUESTION, "stop": stop})[1])["choices"][0]
    assert cut["message"]["content"] == text[: text.index(stop)]
    assert cut["finish_reason"] == "stop"


def test_a_seed_repeats_a_sampled_answer(served):
    sampled = {**QUESTION, "temperature": 1.5, "seed": 4}
    assert json.loads(ask(served, sampled)[1])["choices"] == json.loads(ask(served, sampled)[1])["choices"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "role"),
        ({**QUESTION, "temperature": -1}, 400, "temperature"),
        ({**QUESTION, "n": 3}, 400, "n:"),
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, 400, "tokens"),
        ({"messages": [{"role": "user", "content": "word " * 2000}], "stream": True}, 400, "tokens"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(served, body, status, words):
    said, text = ask(served, body)
    assert said == status
    assert words in json.loads(text)["error"]["message"]


def test_models_and_keys(served):
    status, text = ask(served, path="/v1/models")
    assert (status, [model["id"] for model in json.loads(text)["data"]]) == (200, ["quickstart/3"])
    assert ask(served, path="/v1/models", key="another")[0] == 401
    assert ask(served, QUESTION, key="")[0] == 401
    assert ask(served, path="/metrics")[0] == 404


def test_merged_weights_give_the_adapters_logits(adapter, tmp_path):
    merge.merge(str(BASE), adapter, tmp_path / "merged")
    ids = torch.arange(5, 45)[None]
    own = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32), adapter).eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    with torch.no_grad():
        difference = (own(ids).logits - merged(ids).logits).abs().max()
    assert difference < 1e-4
    assert AutoTokenizer.from_pretrained(tmp_path / "merged").chat_template


def test_what_is_no_adapter_is_refused(tmp_path):
    with pytest.raises(DataError, match="no adapter and no model"):
        loading.load(str(BASE), tmp_path)


def test_a_gguf_file_gives_the_logits_and_the_tokens_of_the_adapter(adapter, tmp_path):
    (note,) = gguf_file.export(str(BASE), adapter, tmp_path / "out")
    assert note.startswith("llama.cpp has no name for the way this tokenizer splits text")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["model.gguf"]
    reader = gguf.GGUFReader(tmp_path / "out" / "model.gguf")
    assert reader.fields["general.architecture"].contents() == "llama"
    assert reader.fields["tokenizer.ggml.eos_token_id"].contents() == 1
    ours = loading.load(str(BASE), adapter)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "out", gguf_file="model.gguf", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out", gguf_file="model.gguf")
    text = "Who is Mira, at 17:30? 数据"
    numbers = ours.tokenizer(text)["input_ids"]
    assert tokenizer(text)["input_ids"] == numbers
    assert tokenizer.chat_template == ours.tokenizer.chat_template
    with torch.no_grad():
        difference = ours.model(torch.tensor([numbers])).logits - theirs(torch.tensor([numbers])).logits
    assert difference.abs().max() < 1e-4


@pytest.mark.parametrize("kind", [LlamaForCausalLM, Qwen2ForCausalLM])
@pytest.mark.parametrize(("dtype", "name"), [(torch.float32, "F32"), (torch.bfloat16, "BF16"), (torch.float16, "F16")])
def test_gguf_keeps_precision_and_grouped_heads(kind, dtype, name, tmp_path):
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    made = kind(kind.config_class(vocab_size=2048, num_key_value_heads=2, tie_word_embeddings=False, **shape)).to(dtype)
    gguf_file.write(made, AutoTokenizer.from_pretrained(BASE), tmp_path / "model.gguf")
    kinds = {
        tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors if len(tensor.shape) > 1
    }
    assert kinds == {name}
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="model.gguf", dtype=torch.float32)
    numbers = torch.arange(20)[None]
    with torch.no_grad():
        assert (made.float()(numbers).logits - read(numbers).logits).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (MistralConfig(), "GGUF is written for llama and qwen2 models, and this is a mistral model: write the merged"),
        (
            LlamaConfig(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}),
            "positions are scaled",
        ),
        (LlamaConfig(attention_bias=True), "the model has biases"),
        (LlamaConfig(hidden_act="gelu"), "activation is gelu"),
    ],
)
def test_gguf_refuses_what_would_not_be_the_same_model(config, message):
    with pytest.raises(DataError, match=message):
        gguf_file.check(config)
