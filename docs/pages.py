"""How the course becomes pages (`make docs`): complete in themselves, with a picture where a widget would be.

A configuration of nbconvert. Widgets need a kernel, and the scripts that would draw them come from other hosts: a page
shows their still picture instead, or says that there is something to run. Formulas become MathML, which browsers draw
by themselves. Nothing is left that would load from another host.
"""

import re
from pathlib import Path

from latex2mathml.converter import convert
from nbconvert.preprocessors import Preprocessor
from traitlets.config import get_config

from musiclab.progress import GONE

WIDGET = "application/vnd.jupyter.widget-view+json"
TO_RUN = '<p class="to-run">{} <i>Run the notebook to use it.</i></p>'


class Stills(Preprocessor):
    """Widgets by what they show without JavaScript; progress bars not at all."""

    def preprocess(self, nb, resources):
        for cell in nb.cells:
            if cell.cell_type == "code":
                outputs = [] if "exercise" in cell.metadata.get("tags", ()) else cell.outputs  # blank: nothing to show
                cell.outputs = [kept for output in outputs if (kept := self.still(output)) is not None]
        nb.metadata.pop("widgets", None)  # nothing here draws them, and what would, comes from another host
        title = nb.cells[0].source.splitlines()[0].removeprefix("# ")
        resources["metadata"]["name"] = title
        for cell in nb.cells:  # from page to page
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\]\(([\w-]+)\.ipynb\)", r"](\1.html)", with_mathml(cell.source))
        return nb, resources

    def still(self, output):
        data = output.get("data", {})
        text = data.get("text/plain", "")
        if data.get("text/html") == GONE:  # a progress bar that is done
            return None
        if "image/png" in data:
            words = text.strip("<>").split(" at 0x")[0].rsplit(".", 1)[-1]
            output["metadata"] = {**output.get("metadata", {}), "image/png": {"alt": words}}
        if WIDGET not in data:
            return output
        del data[WIDGET]
        if not text:  # its picture stands beside it
            return None
        if not {"image/png", "image/svg+xml", "text/html"} & set(data):
            name = re.match(r"\w+", text.strip("<"))[0]
            data["text/html"] = TO_RUN.format("A picture with sliders." if name == "interactive" else f"{name}.")
        return output


def with_mathml(markdown):
    """Formulas between dollars as MathML."""
    markdown = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1], display="block"), markdown, flags=re.DOTALL)
    return re.sub(r"(?<![\\$`])\$([^$`\n]+)\$(?!\$)", lambda m: convert(m[1]), markdown)


c = get_config()
c.HTMLExporter.preprocessors = [Stills]
c.HTMLExporter.exclude_input_prompt = True
c.HTMLExporter.exclude_output_prompt = True
c.HTMLExporter.extra_template_basedirs = [str(Path(__file__).parent / "templates")]
c.HTMLExporter.template_name = "pages"
c.NbConvertBase.display_data_priority = [
    "text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain",
]  # fmt: skip
