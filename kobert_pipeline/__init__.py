"""From raw Korean text to a published, KLUE-scored language model. Start reading at `kobert_pipeline.stages`."""

__version__ = "0.1.0"
