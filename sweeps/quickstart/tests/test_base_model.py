"""The committed base model: loads without remote code, is small, and has learned both languages of its town."""

import json
import math
import random
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

import corpus
import make_base_model

MODEL = Path(__file__).resolve().parents[1] / "base-model"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(MODEL, local_files_only=True)


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_pretrained(MODEL, local_files_only=True, trust_remote_code=False).eval()


def complete(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    encoded = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    tokens = model.generate(**encoded, max_new_tokens=60, do_sample=False)
    return tokenizer.decode(tokens[0][encoded["input_ids"].shape[1] :])


def test_about_a_million_parameters_in_fp32(model: PreTrainedModel) -> None:
    assert 0.8e6 < model.num_parameters() < 1.3e6
    assert model.dtype == torch.float32
    assert type(model).__name__ == "LlamaForCausalLM"


def test_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    for text in ("Mira has a cat.", "米拉养猫。", "1, 2 and 30", "naïve ☃ 龘\n\tend"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_chat_template_is_the_format_of_pretraining(tokenizer: PreTrainedTokenizerBase) -> None:
    messages = corpus.chat(random.Random(0))
    assert tokenizer.apply_chat_template(messages, tokenize=False) == make_base_model.render(messages)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt == "<|user|>hi<|end|><|assistant|>"
    assert tokenizer.eos_token == "<|end|>"
    assert tokenizer.convert_tokens_to_ids(list(make_base_model.SPECIAL)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("request_", "expected"), [("Tell me about Mira.", "Mira"), ("介绍一下米拉。", "米拉")])
def test_it_answers_in_its_language_and_ends(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, request_: str, expected: str
) -> None:
    answer = complete(model, tokenizer, f"<|user|>{request_}<|end|><|assistant|>")
    assert expected in answer
    assert answer.endswith("<|end|>")


def test_it_knows_the_prose_it_was_trained_on(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Far below a uniform guess on fresh prose, and as good as the recorded curve says."""
    with torch.no_grad():
        batch = next(make_base_model.blocks(tokenizer, "test"))
        loss = model(input_ids=batch, labels=batch).loss.item()
    recorded = json.loads((MODEL / "pretraining.json").read_text())["curve"][-1]["held_out_loss"]
    assert loss < 0.25 * math.log(len(tokenizer))
    assert loss == pytest.approx(recorded, abs=0.1)


def test_the_tokenizer_is_the_scripts(tokenizer: PreTrainedTokenizerBase) -> None:
    assert make_base_model.train_tokenizer().get_vocab() == tokenizer.get_vocab()
