"""From raw Korean text to a published, KLUE-scored language model. Start reading at `kobert_pipeline.stages`."""

from kobert_pipeline.ground.own_packages import require_own_packages

__version__ = "0.1.0"

require_own_packages()
