"""axe-core, which looks on the page that the browser shows for what keeps people out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

SCRIPT = Path(__file__).parents[2] / ".venv/axe-core/axe_playwright_python/axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(browser: Chrome, *, within: str = "html") -> list[str]:
    """Return what breaks WCAG 2.2 AA in the element that `within` selects: a line for each element at fault."""
    if not SCRIPT.exists():
        pytest.fail("There is no axe-core: run scripts/ensure_axe.sh")
    browser.execute_script(SCRIPT.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = browser.execute_async_script(
        """
        const [within, tags, done] = arguments;
        axe.run(within, {runOnly: {type: "tag", values: tags}, preload: false}).then(
            (results) => done(results.violations), (error) => done([{id: String(error), nodes: [{html: ""}]}]));
        """,
        within,
        STANDARDS,
    )
    return [f"{rule['id']}: {rule.get('help', '')}: {node['html']}" for rule in found for node in rule["nodes"]]
