"""`kobert tour`: one sentence, followed from raw text to the loss. TOUR.md tells it."""
