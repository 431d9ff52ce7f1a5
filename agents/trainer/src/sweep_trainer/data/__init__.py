"""Reading examples and making batches of them."""
