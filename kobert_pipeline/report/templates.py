"""The templates of the pages, with style and script inside. A page allows that one script by its hash, and fetches nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.amounts import shown_bytes, shown_seconds
from kobert_pipeline.hub.wording import plain_number, settings_text
from kobert_pipeline.report.bilingual import attribute, parts, recalled, say
from kobert_pipeline.report.numbers import shown_count, shown_metric, shown_share

HERE = Path(__file__).parent


def template(name: str) -> Any:
    return _environment().get_template(name)


@functools.cache
def _environment() -> Any:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "short": shown_count,
        "bytes": shown_bytes,
        "seconds": shown_seconds,
        "share": shown_share,
        "metric": shown_metric,
        "plain": plain_number,
        "settings": settings_text,
        "svg": Markup,  # our own drawings, which escape the text in them
        "parts": parts,
        "recalled": recalled,
        "data": _data,
    }
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (HERE / "style.css").read_text(encoding="utf-8")
    environment.globals |= {"style": Markup(style), "script": Markup(script), "script_hash": digest}
    environment.globals |= {"_": say, "attribute": attribute, "label": functools.partial(attribute, "data-label")}
    return environment


def _data(value: Any) -> Any:
    """JSON that cannot end the element it is in."""
    from markupsafe import Markup

    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))
