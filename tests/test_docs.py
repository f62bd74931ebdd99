"""The documents say what is there, and what they say is there."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
GENERATE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATE)
DOCUMENTS = sorted(
    path for path in ROOT.glob("**/*.md") if not {".venv", "node_modules", "work"} & set(path.relative_to(ROOT).parts)
)


@pytest.mark.parametrize("name", sorted(GENERATE.PAGES))
def test_every_reference_page_is_what_the_code_says(name):
    """Endpoints, options, metrics, refusals, close codes and commands are listed as they are; else: `make docs`."""
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == GENERATE.pages()[name]


def test_no_reference_page_is_left_over():
    """A page that nothing writes any more is gone."""
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(GENERATE.PAGES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    """Every relative link names a file that exists."""
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_tests_that_the_readme_names_exist():
    """The feature table points at real files and folders."""
    for target in re.findall(r"`(tests/[^`]+)`", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
