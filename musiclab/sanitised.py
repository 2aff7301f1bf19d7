"""JupyterLab's *Save and Export Notebook As: HTML* with *Sanitize HTML* ticked, as it is: harmless, and readable too.

Jupyter's own sanitiser (nbconvert 7, https://github.com/jupyter/nbconvert/issues/2016) lets no heading, paragraph,
picture or table head pass, and writes their tags out as text: a page of musiclab would be megabytes of letters. As an
extension of Jupyter's server, switched on where musiclab is installed beside it, this module puts `clean_html` in its
place: what runs or loads by itself goes; text, tables, pictures and players stay.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import nh3

_TAGS = nh3.ALLOWED_TAGS | {"audio"}
_EVERYWHERE = {"aria-label", "class", "id", "role", "style", "title"}
_OF_TAGS = {"img": {"src", "alt", "width", "height"}, "audio": {"src", "controls", "preload"}, "a": {"href"}}
_ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {"*": _EVERYWHERE} | _OF_TAGS
_STYLES = {  # none of them can load a file
    "background-color", "border", "border-collapse", "color", "display", "font-size", "font-style", "font-weight",
    "height", "margin", "max-width", "padding", "text-align", "vertical-align", "width",
}  # fmt: skip
_INSIDE = re.compile(
    r"data:(?:image/(?:png|jpeg|gif|webp|svg\+xml)|audio/[\w+-]+);base64,"
)  # of a page: pictures, sound
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)  # and not in a file beside the page
_SVG = re.compile(r"<svg\b|</svg\s*>", re.IGNORECASE)


def clean_html(element: str | bytes) -> str:
    """HTML without what runs or loads by itself: scripts, styles, forms, frames, handlers, pictures of other hosts.

    Drawings (SVG) become pictures, in which no script runs.
    """
    page = element.decode() if isinstance(element, bytes) else str(element)
    return nh3.clean(
        _drawings_as_pictures(page),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_checked,
        url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=_STYLES,
    )


def _checked(_tag: str, name: str, value: str) -> str | None:
    """The value of an attribute, or None: pictures and sounds are in the page or beside it, and nothing else is."""
    if name == "src":
        return value if _INSIDE.match(value) or not _ELSEWHERE.match(value) else None
    return None if value.strip().lower().startswith("data:") else value


def _drawings_as_pictures(page: str) -> str:
    """Each outermost ``<svg>`` as an ``<img>`` of the same size and words."""
    parts, depth, start, end = [], 0, 0, 0
    for found in _SVG.finditer(page):
        opens = not found[0].startswith("</")
        if opens and depth == 0:
            start = found.start()
            parts.append(page[end:start])
        depth = depth + 1 if opens else max(depth - 1, 0)
        if not opens and depth == 0 and start >= end:
            end = found.end()
            parts.append(_picture(page[start:end]))
    return "".join([*parts, page[end:]]) if depth == 0 else page


def _picture(svg: str) -> str:
    head = svg[: svg.index(">") + 1]
    kept = {name: found[1] for name in ("aria-label", "style", "width", "height")
            if (found := re.search(rf'\s{name}="([^"]*)"', head))}  # fmt: skip
    words = kept.pop("aria-label", "drawing")
    if "xmlns=" not in head:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    size = "".join(f' {name}="{value}"' for name, value in kept.items())
    return f'<img alt="{words}"{size} src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


# --- as an extension of Jupyter's server


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Its exports are sanitised by `clean_html`, unless whoever keeps the server has chosen another filter."""
    filters = server.config.HTMLExporter.setdefault("filters", {})
    filters.setdefault("clean_html", f"{__name__}.clean_html")
