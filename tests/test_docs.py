# SPDX-License-Identifier: Apache-2.0
"""Guards the documentation: every link and every page that is named exists, the index names all."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FOLDERS = {"owner", "installer", "integrator", "developer"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", ".git"} & set(path.parts))
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.M)
NAMED = re.compile(r"\bdocs/([\w/-]+\.md)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_ok__every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    wrong = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_ok__every_page_is_in_a_folder_of_its_reader_and_in_the_index() -> None:
    pages = {path.relative_to(DOCS) for path in DOCS.rglob("*.md")}
    top = {str(path) for path in pages if len(path.parts) == 1}
    assert top == {"README.md", "start.md"}
    assert {path.parts[0] for path in pages if len(path.parts) > 1} == FOLDERS
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {link.partition("#")[0] for link in LINK.findall(index)}
    assert {str(path) for path in pages} - linked == {"README.md"}


def test_ok__every_page_that_code_or_a_unit_names_exists() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "firmware", "scripts", "models", "tests", "setup.sh", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    wrong = []
    for file in tracked:
        path = ROOT / file
        if not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        wrong += [(file, found) for found in NAMED.findall(text) if not (DOCS / found).exists()]
    assert wrong == []
