"""Picture or widget: which of the two a notebook's page shows. The page is built as JupyterLab builds it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from musiclab.widgets.shared.widget import _CHOICE, LIVE

pytestmark = pytest.mark.browser

OUTPUTS = f"""<div class="jp-OutputArea">
<div class="jp-OutputArea-child"><div class="jp-OutputArea-output"><p>before</p></div></div>
<div class="jp-OutputArea-child"><div class="jp-OutputArea-output"><div class="musiclab-still">{_CHOICE}<p>picture</p>
</div></div></div>
<div class="jp-OutputArea-child"><div class="jp-OutputArea-output" id="live">Error displaying widget</div></div>
<div class="jp-OutputArea-child"><div class="jp-OutputArea-output"><p>after</p></div></div>
</div>"""


@pytest.mark.parametrize("kind", ["musiclab", LIVE])
def test_the_picture_stands_where_the_widget_does_not(page: Page, kind: str) -> None:
    page.set_content(OUTPUTS)
    expect(page.get_by_text("picture")).to_be_visible()
    expect(page.get_by_text("Error displaying widget")).to_be_hidden()
    page.evaluate("(kind) => document.querySelector('#live').innerHTML = `<div class=${kind}>desk</div>`", kind)
    expect(page.get_by_text("picture")).to_be_hidden()
    expect(page.get_by_text("desk")).to_be_visible()
    page.evaluate("document.querySelector('#live').replaceChildren()")  # and gone, as when it was closed
    expect(page.get_by_text("picture")).to_be_visible()
    for text in ("before", "after"):
        expect(page.get_by_text(text)).to_be_visible()
