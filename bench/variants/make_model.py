"""Writes a random Llama of 20.3 million parameters with the quickstart's tokenizer: large enough that its weights and
its arithmetic count, small enough to be made on the spot. Usage: make_model.py TOKENIZER_FOLDER TARGET_FOLDER"""

import sys

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

source, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(source)
tokenizer.save_pretrained(target)
torch.manual_seed(1)
config = LlamaConfig(
    vocab_size=len(tokenizer),
    hidden_size=512,
    intermediate_size=1408,
    num_hidden_layers=6,
    num_attention_heads=8,
    num_key_value_heads=8,
    tie_word_embeddings=True,
    pad_token_id=0,
    bos_token_id=None,
    eos_token_id=1,
)
model = LlamaForCausalLM(config)
model.save_pretrained(target)
print(sum(parameter.numel() for parameter in model.parameters()))
