"""Alpaca records as token ids: prompt (masked) and answer (trained, its end included).

Owns the template and the truncation. A tokenizer's own chat template is used when it has one; otherwise the plain
template below. It knows nothing of batches or tensors.

The plain template, for tokenizers without a chat template (sections that are empty are left out):

    ### System:
    {system}

    ### Instruction:
    {instruction}

    ### Input:
    {input}

    ### Response:
    {output}<eos>

An earlier turn of `history` is one `### Instruction:` and one `### Response:` section more, before the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..contract.failures import DataError
from .alpaca import Record
from .images import TEXT, ImageEncoder, ImageInputs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Example:
    """`tokens` of which the first `prompt_length` are masked and the rest trained. Never more than max_length."""

    tokens: list[int]
    prompt_length: int
    truncated: bool
    images: ImageInputs | None = None


class Encoder:
    """Encodes records for one tokenizer and one `max_length` (tokens, prompt and answer together). `images` is there
    for a model that reads them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int, images: ImageEncoder | None = None) -> None:
        if tokenizer.eos_token_id is None:
            raise DataError("the model's tokenizer has no end-of-sequence token, so no answer could learn to end")
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._images = images
        self._chat = bool(tokenizer.chat_template)
        # Some tokenizers (Llama's) open every text with a token of their own; chat templates write theirs themselves.
        opening = tokenizer("a", add_special_tokens=True)["input_ids"][:1]
        self._opening = opening if opening == [tokenizer.bos_token_id] and not self._chat else []

    @property
    def max_length(self) -> int:
        return self._max_length

    @property
    def eos(self) -> int:
        return int(self._tokenizer.eos_token_id)

    @property
    def pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(self.eos if pad is None else pad)

    def examples(self, records: list[Record]) -> list[Example]:
        """One example a record, in order. Raises DataError for images that the model cannot read or that do not fit."""
        texts = [self._texts(self._with_image_tokens(record)) for record in records]
        prompts = self._ids([prompt for prompt, _ in texts])
        answers = self._ids([answer for _, answer in texts])
        return [
            self._example_with_images(record, text, answer)
            if record.images
            else self._example(self._opening + prompt, self._ended(answer))
            for record, (text, _), prompt, answer in zip(records, texts, prompts, answers, strict=True)
        ]

    def _with_image_tokens(self, record: Record) -> Record:
        """The images stand before the question, unless it says itself where: with the model's own image token."""
        if not record.images:
            return record
        if self._images is None:
            raise DataError("the data has images, and this model, or what is installed for it, reads text only")
        token = self._images.token
        count = record.question.count(token)
        if count == len(record.images):
            return record
        if count > 0:
            raise DataError(f"a question has {count} times {token}, and its record {len(record.images)} images")
        return replace(record, instruction=f"{token * len(record.images)}\n{record.question}", input="")

    def _example_with_images(self, record: Record, text: str, answer: list[int]) -> Example:
        assert self._images is not None
        tokens, images = self._images.encode(text, record.images)
        prompt = self._opening + tokens
        room = self._max_length - len(prompt)
        if room < 1:
            raise DataError(
                f"training.max_length: a prompt with its images takes {len(prompt)} tokens, found {self._max_length}; "
                "images cannot be cut"
            )
        answer = self._ended(answer)
        types = [TEXT] * len(self._opening) + images.token_types
        return Example(prompt + answer[:room], len(prompt), len(answer) > room, replace(images, token_types=types))

    def prompt(self, record: Record) -> list[int]:
        """The tokens before the answer, exactly as the training sees them (never truncated), of a record without
        images."""
        if record.images:
            raise DataError("images can be trained on and evaluated, but not be sampled from or asked about in probes")
        return self._opening + self._ids([self._texts(record)[0]])[0]

    def prompt_within(self, record: Record, answer_tokens: int) -> list[int]:
        """The prompt, cut so that an answer of that many tokens fits: to half of max_length at the least."""
        return self._cut(self.prompt(record), answer_tokens)

    def text(self, tokens: list[int]) -> str:
        """What a generated answer says, without special tokens."""
        return self._tokenizer.decode(tokens, skip_special_tokens=True).strip()

    def _example(self, prompt: list[int], answer: list[int]) -> Example:
        """Too long: the prompt loses its middle-most context, its beginning, and the answer loses its end. Each keeps
        at least half of max_length when both are longer; an answer that lost its end does not learn to end there."""
        excess = len(prompt) + len(answer) - self._max_length
        if excess > 0:
            prompt = self._cut(prompt, len(answer))
            answer = answer[: self._max_length - len(prompt)]
        return Example(prompt + answer, len(prompt), excess > 0)

    def _cut(self, prompt: list[int], answer_tokens: int) -> list[int]:
        room = max(self._max_length - answer_tokens, self._max_length // 2)
        if len(prompt) <= room:
            return prompt
        return prompt[: len(self._opening)] + prompt[len(prompt) - room + len(self._opening) :]

    def _ended(self, answer: list[int]) -> list[int]:
        """The answer up to its last end token, which chat templates write and may follow with a line break."""
        if self.eos in answer:
            return answer[: len(answer) - answer[::-1].index(self.eos)]
        return [*answer, self.eos]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self._tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []

    def _texts(self, record: Record) -> tuple[str, str]:
        return self._chat_texts(record) if self._chat else _plain_texts(record)

    def _chat_texts(self, record: Record) -> tuple[str, str]:
        messages = [{"role": "system", "content": record.system}] if record.system else []
        for question, answer in record.history:
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        messages.append({"role": "user", "content": record.question})
        try:
            return self._rendered(messages, record.output)
        except Exception as error:  # jinja2's TemplateError, or whatever a template written by others runs into
            if not record.system:
                raise DataError(f"the tokenizer's chat template refuses a record: {error}") from error
        # Some templates refuse a system message (Gemma's): what it says then opens the conversation.
        messages = messages[1:]
        messages[0] = {"role": "user", "content": f"{record.system}\n\n{messages[0]['content']}"}
        try:
            return self._rendered(messages, record.output)
        except Exception as error:
            raise DataError(f"the tokenizer's chat template refuses a record: {error}") from error

    def _rendered(self, messages: list[dict[str, str]], output: str) -> tuple[str, str]:
        render = self._tokenizer.apply_chat_template
        prompt = render(messages, tokenize=False, add_generation_prompt=True)
        whole = render([*messages, {"role": "assistant", "content": output}], tokenize=False)
        # A template may write something into its generation prompt that it leaves out of a finished turn (an empty
        # thinking block): the answer then is the bare output, and `_ended` gives it its end.
        return prompt, whole[len(prompt) :] if whole.startswith(prompt) else output


def _plain_texts(record: Record) -> tuple[str, str]:
    sections = [("System", record.system)]
    for question, answer in record.history:
        sections += [("Instruction", question), ("Response", answer)]
    sections += [("Instruction", record.instruction), ("Input", record.input)]
    prompt = "".join(f"### {title}:\n{text}\n\n" for title, text in sections if text)
    return f"{prompt}### Response:\n", record.output
