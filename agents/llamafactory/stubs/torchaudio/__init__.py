"""Stands in for torchaudio, which LLaMA-Factory imports for its audio models even when it trains on text.

It is on the path last: an installed torchaudio is taken before it. It can do nothing.
"""
