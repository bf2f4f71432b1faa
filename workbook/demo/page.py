"""The demo as one file that needs no network and no other file."""

from __future__ import annotations

import html
import json
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"
NAME = "attention-demo.html"


def module() -> str:
    """The demo's parts as one ES module on anywidget's contract."""
    return f"{_parts()}\nexport default demo;\n"


def style() -> str:
    """The demo's style sheet."""
    return (HERE / "attention.css").read_text(encoding="utf-8")


def numbers(name: str) -> dict[str, object]:
    """What was computed beforehand: `glassllm`, a model's weights, or `minilm`, some attention."""
    found: dict[str, object] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


def page() -> str:
    """The whole page; what it shows first, and in which state, its address says."""
    data = json.dumps({"trained": numbers("glassllm"), "minilm": numbers("minilm")})
    pieces = {
        "@@STYLE@@": style(),
        "@@NOTICES@@": _notices(),
        # Within a script only its own end has a meaning.
        "@@NUMBERS@@": data.replace("</", "<\\/"),
        "@@MODULE@@": _parts(),
        "@@SHIM@@": (HERE / "shim.js").read_text(encoding="utf-8"),
    }
    text = (HERE / "page.html").read_text(encoding="utf-8")
    for mark, piece in pieces.items():
        text = text.replace(mark, piece)
    return text


def _parts() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((HERE / "parts").glob("*.js"))
    )


def _notices() -> str:
    return html.escape(
        "\n\n".join(path.read_text(encoding="utf-8").strip() for path in sorted(DATA.glob("*.txt")))
    )
