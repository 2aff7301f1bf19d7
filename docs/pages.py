"""How the course becomes pages (`make docs`): complete in themselves, with a picture where a widget would be.

A configuration of nbconvert. Widgets need a kernel, and the scripts that would draw them come from other hosts: a page
shows their still picture instead, or says that there is something to run. (MathJax draws the formulas; a reader without
a network sees their TeX.)
"""

import re

from nbconvert.preprocessors import Preprocessor
from traitlets.config import get_config

WIDGET = "application/vnd.jupyter.widget-view+json"
TO_RUN = '<p class="to-run">{} <i>Run the notebook to use it.</i></p>'
LOOK = """<style>
body.jp-Notebook { max-width: 980px; margin: 0 auto; padding: 32px 20px 80px; }
.jp-RenderedHTMLCommon { line-height: 1.6; }
.jp-InputArea-prompt, .jp-OutputPrompt { display: none; }
.jp-InputArea-editor { border-radius: 6px; }
.jp-RenderedImage img { max-width: 100%; height: auto; }
.jp-RenderedHTMLCommon .to-run { color: #5b6068; border-left: 3px solid #d4d7db; padding: 2px 12px; }
.jp-RenderedHTMLCommon details { margin: 8px 0 14px; }
.jp-RenderedHTMLCommon summary { cursor: pointer; font-weight: 600; }
</style>"""


class Stills(Preprocessor):
    """Widgets by what they show without JavaScript; progress bars not at all."""

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [kept for output in cell.outputs if (kept := self.still(output)) is not None]
        title = nb.cells[0].source.splitlines()[0].removeprefix("# ")
        resources["metadata"]["name"] = title
        nb.cells[0].source = LOOK + "\n\n" + nb.cells[0].source
        for cell in nb.cells:  # from page to page
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\]\(([\w-]+)\.ipynb\)", r"](\1.html)", cell.source)
        return nb, resources

    def still(self, output):
        data = output.get("data", {})
        text = data.get("text/plain", "")
        if "image/png" in data:
            words = text.strip("<>").split(" at 0x")[0].rsplit(".", 1)[-1]
            output["metadata"] = {**output.get("metadata", {}), "image/png": {"alt": words}}
        if WIDGET not in data:
            return output
        del data[WIDGET]
        if text.startswith("separating with"):
            return None
        if not {"image/png", "image/svg+xml", "text/html"} & set(data):
            name = re.match(r"\w+", text.strip("<"))[0]
            data["text/html"] = TO_RUN.format("A picture with sliders." if name == "interactive" else f"{name}.")
        return output


c = get_config()
c.HTMLExporter.preprocessors = [Stills]
c.HTMLExporter.exclude_input_prompt = True
c.HTMLExporter.exclude_output_prompt = True
c.HTMLExporter.require_js_url = c.HTMLExporter.jquery_url = ""
c.NbConvertBase.display_data_priority = [
    "text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain",
]  # fmt: skip
