"""The fine-tuning script that a person writes with PEFT and transformers, for the configuration of a trial.json: the
model, PEFT's method, and the Trainer with its own loss. It sees the same tokens in the same order as the trainer, whose
encoding it borrows, and prints as one JSON object the loss of each step and the tokens of all but the first.

Usage: plain.py TRIAL_JSON"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from peft import (
    AdaLoraConfig,
    LoraConfig,
    OFTConfig,
    PeftConfig,
    get_peft_model,
    prepare_model_for_kbit_training,
)
from peft.optimizers import create_loraplus_optimizer
from sweep_trainer.data.alpaca import read_records
from sweep_trainer.data.encoding import Encoder
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

trial = json.loads(Path(sys.argv[1]).read_text())
training, seed = trial["training"], trial["seed"]
adapter, rate, steps = (
    training["adapter"],
    training["optimizer"]["learning_rate"],
    training["schedule"]["max_steps"],
)
torch.set_num_threads(trial["devices"][0]["threads"])

quantization = {
    "none": None,
    "int8": BitsAndBytesConfig(load_in_8bit=True),
    "nf4": BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    ),
}[training["quantization"]["type"]]
tokenizer = AutoTokenizer.from_pretrained(training["model"])
model = AutoModelForCausalLM.from_pretrained(
    training["model"],
    dtype=torch.float32,
    quantization_config=quantization,
    device_map={"": "cpu"},
)
if quantization is not None:
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
model.config.use_cache = False


def method() -> PeftConfig | None:
    kind = adapter["type"]
    common: dict[str, Any] = {
        "target_modules": adapter["target_modules"],
        "task_type": "CAUSAL_LM",
    }
    low_rank = {**common, "r": adapter["rank"], "lora_alpha": adapter["alpha"]}
    match kind:
        case "oft":
            return OFTConfig(
                **common,
                r=0,
                oft_block_size=adapter["oft_block_size"],
                use_cayley_neumann=False,
            )
        case "adalora":
            ranks = {
                "init_r": round(1.5 * adapter["rank"]),
                "target_r": adapter["rank"],
            }
            return AdaLoraConfig(
                **{**common, **ranks},
                lora_alpha=adapter["alpha"],
                total_step=steps,
                tfinal=steps // 2,
                deltaT=1,
            )
        case "pissa":
            return LoraConfig(**low_rank, init_lora_weights="pissa")
        case "freeze" | "full":
            return None
    return LoraConfig(**low_rank, use_rslora=kind == "rslora", use_dora=kind == "dora")


torch.manual_seed(seed)
config = method()
if config is not None:
    model = get_peft_model(model, config)
elif adapter["type"] == "freeze":
    model.requires_grad_(False)
    model.model.layers[-adapter["trainable_layers"] :].requires_grad_(True)

records = read_records(Path(training["data"]["train"]), training["data"]["max_samples"])
examples = [
    {
        "input_ids": one.tokens,
        "attention_mask": [1] * len(one.tokens),
        "labels": [-100] * one.prompt_length + one.tokens[one.prompt_length :],
    }
    for one in Encoder(tokenizer, training["max_length"], None).examples(records)
]
order = torch.randperm(
    len(examples), generator=torch.Generator().manual_seed(seed * 1_000_003)
).tolist()


class InOrder(Trainer):
    def _get_train_sampler(self, *_: Any) -> list[int]:
        return order


class Allocate(TrainerCallback):
    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        model.base_model.update_and_allocate(state.global_step + 1)


arguments = TrainingArguments(
    output_dir=str(Path(sys.argv[1]).parent / "plain"),
    per_device_train_batch_size=training["batch_size"],
    max_steps=steps,
    learning_rate=rate,
    lr_scheduler_type=training["schedule"]["type"],
    max_grad_norm=training["optimizer"]["max_grad_norm"],
    optim="adamw_torch_fused",
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    use_cpu=True,
    seed=seed,
    dataloader_pin_memory=False,
)
optimizer = None
if adapter["type"] == "lora+":
    optimizer = create_loraplus_optimizer(
        model,
        torch.optim.AdamW,
        lr=rate,
        loraplus_lr_ratio=adapter["lr_ratio"],
        weight_decay=0.0,
        fused=True,
    )
trainer = InOrder(
    model=model,
    args=arguments,
    train_dataset=examples,
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    callbacks=[Allocate()] if adapter["type"] == "adalora" else [],
    optimizers=(optimizer, None),
)
trainer.train()
batch = training["batch_size"]
said = {
    "losses": [line["loss"] for line in trainer.state.log_history if "loss" in line],
    "tokens": sum(
        len(examples[at]["input_ids"]) for at in order[batch : steps * batch]
    ),
}
print(json.dumps(said))
