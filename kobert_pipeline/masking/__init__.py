"""How a batch is corrupted, freshly each time it is drawn."""
