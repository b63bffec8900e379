"""What a finished model is for: one file per use, listed here by hand."""
