"""Drives LLaMA-Factory as a trainer of sweep: one attempt a directory, cold or in a warm host.

The contract (trial.json, events.jsonl, control.jsonl, checkpoints) is docs/trainer-contract.md. Events, control,
checkpoints and failures are sweep_trainer's; training is LLaMA-Factory's own `run_exp`.
"""
