"""Configuration of Sphinx."""

import learning_paths

project = "openedx-learning-paths"
author = "the contributors of openedx-learning-paths"
release = learning_paths.__version__
html_title = f"{project} {release}"
exclude_patterns = ["_build"]
