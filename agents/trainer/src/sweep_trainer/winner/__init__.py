"""What becomes of a trained adapter: it is merged into its base, or served."""
