"""One run: its plan, its loop, its evaluations and checkpoints."""
