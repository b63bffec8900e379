"""How a batch is corrupted, anew each time it is drawn."""
