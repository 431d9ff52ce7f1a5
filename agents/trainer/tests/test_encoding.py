"""Records as tokens: what is masked, what is trained, where it ends, and what a truncation leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import World
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from sweep_trainer.contract.failures import DataError
from sweep_trainer.data.alpaca import Record
from sweep_trainer.data.encoding import Encoder

SHORT = Record("after cat", "red blue", "dog", "", ())


def tokenizer(folder: Path, **changes: Any) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(folder, **changes)


def parts(encoder: Encoder, record: Record, loaded: PreTrainedTokenizerBase) -> tuple[str, str]:
    example = encoder.examples([record])[0]
    return (
        loaded.decode(example.tokens[: example.prompt_length]),
        loaded.decode(example.tokens[example.prompt_length :]),
    )


def test_chat_template_masks_the_prompt_and_trains_the_end(world: World) -> None:
    loaded = tokenizer(world.model)
    record = Record("after cat", "red blue", "dog", "be brief", (("one", "two"),))
    assert parts(Encoder(loaded, 99), record, loaded) == (
        "<|system|>be brief<|end|>\n<|user|>one<|end|>\n<|assistant|>two<|end|>\n"
        "<|user|>after cat\nred blue<|end|>\n<|assistant|>",
        "dog<|end|>",  # the template's line break after the end token is not trained
    )


def test_plain_template(world: World) -> None:
    loaded = tokenizer(world.plain_model)
    record = Record("after cat", "red", "dog", "be brief", (("one", "two"),))
    assert parts(Encoder(loaded, 999), record, loaded) == (
        "### System:\nbe brief\n\n### Instruction:\none\n\n### Response:\ntwo\n\n"
        "### Instruction:\nafter cat\n\n### Input:\nred\n\n### Response:\n",
        "dog<|end|>",
    )


def test_a_prompt_is_generated_from_exactly_as_it_is_trained(world: World) -> None:
    for folder in (world.model, world.plain_model):
        encoder = Encoder(tokenizer(folder), 99)
        example = encoder.examples([SHORT])[0]
        assert encoder.prompt(SHORT) == example.tokens[: example.prompt_length]


def test_a_tokenizer_that_opens_texts_opens_the_plain_template(world: World) -> None:
    loaded = tokenizer(world.plain_model, bos_token="<|user|>", add_bos_token=True)
    assert loaded("a")["input_ids"][0] == loaded.bos_token_id
    example = Encoder(loaded, 99).examples([SHORT])[0]
    assert example.tokens[0] == loaded.bos_token_id
    assert example.tokens.count(loaded.bos_token_id) == 1


def test_a_template_without_system_role_gets_it_in_the_first_turn(world: World) -> None:
    loaded = tokenizer(world.model)
    loaded.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        + loaded.chat_template
    )
    prompt, _ = parts(Encoder(loaded, 99), Record("one", "", "two", "be brief", ()), loaded)
    assert prompt == "<|user|>be brief\n\none<|end|>\n<|assistant|>"
    loaded.chat_template = "{{ raise_exception('nothing pleases') }}"
    with pytest.raises(DataError, match="chat template refuses a record: nothing pleases"):
        Encoder(loaded, 99).examples([SHORT])


def test_a_template_with_its_own_generation_prompt(world: World) -> None:
    loaded = tokenizer(world.model)
    loaded.chat_template = loaded.chat_template.replace("<|assistant|>{% endif %}", "<|assistant|>think: {% endif %}")
    assert parts(Encoder(loaded, 99), SHORT, loaded)[1] == "dog<|end|>"


def test_truncation_keeps_the_end_of_the_prompt_and_the_answer(world: World) -> None:
    loaded = tokenizer(world.model)
    whole = Encoder(loaded, 999)
    long_prompt = Record("red blue green " * 9, "", "dog", "", ())
    untouched = whole.examples([long_prompt])[0]
    assert not untouched.truncated
    cut = Encoder(loaded, 16).examples([long_prompt])[0]
    assert cut.truncated
    assert cut.tokens == untouched.tokens[-16:]
    long_answer = Record("one", "", "red blue green " * 9, "", ())
    untouched, cut = whole.examples([long_answer])[0], Encoder(loaded, 16).examples([long_answer])[0]
    assert cut.tokens == untouched.tokens[:16]
    assert cut.tokens[-1] != whole.eos  # it was not its end
    both = Encoder(loaded, 16).examples([Record("red blue " * 9, "", "red blue " * 9, "", ())])[0]
    assert (len(both.tokens), both.prompt_length) == (16, 8)


def test_refuses_a_tokenizer_without_an_end(world: World) -> None:
    with pytest.raises(DataError, match="no end-of-sequence token"):
        Encoder(tokenizer(world.model, eos_token=None), 99)
