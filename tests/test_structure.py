# SPDX-License-Identifier: Apache-2.0
"""The structure of the code: import directions, file sizes, first sentences, README commands."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "firmware" / "plategate"
MODULES = sorted(PACKAGE.rglob("*.py"))
TRACKED_PYTHON = sorted(
    path
    for folder in ("firmware", "models", "scripts", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
LONGEST_FILE = 300

# Layers, lowest first. A package (the first name below `plategate`) imports from lower layers only,
# and from the packages that PEERS names.
LAYERS = (
    {
        "values",
        "storage",
        "durable_files",
        "shared_connection",
        "users",
        "errors",
        "clock",
        "logs",
        "terminal",
        "local_socket",
        "catalogue",
        "output_files",
    },
    {"plates", "schedule", "settings", "messages", "documents", "replay"},
    {"plate_data"},
    {"lane", "vision", "journal", "health", "access", "remote", "hardware", "mqtt_client"},
    {"aiming", "list_service", "samples"},
    {"gate", "rehearsal", "doctor", "console", "outbound", "collector"},
    {"privacy", "reports", "configure"},
    {"backup", "bundle"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
PEERS = {
    "values": set(),
    "storage": {"errors"},
    "durable_files": set(),
    "shared_connection": {"storage"},
    "users": {"errors"},
    "terminal": {"errors"},
    "output_files": {"errors", "durable_files"},
    "plates": set(),
    "schedule": set(),
    "settings": {"schedule"},
    "rehearsal": {"gate"},
    "doctor": {"gate"},
    "privacy": {"reports"},
}
# Narrower than the layer: what the lane needs is a laptop with the standard library.
# `documents` lies this low since the journal stores what the command line and messages show.
ONLY = {
    "messages": {"values"},
    "documents": {"values"},
    "lane": {"values", "messages"},
}
# The only modules that may load the libraries of the board.
BOARD_LIBRARIES = {"gpiozero", "lgpio", "picamera2", "libcamera"}
MAY_LOAD = {"hardware", "rehearsal"}  # rehearsals run on gpiozero's mock pins
SHORTEST_FILE = 60
SHORT_FILES = 41  # files that have a reason to be short; a lower number is welcome


def part_of(module: str) -> str:
    """The first name of a dotted module below `plategate`; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def allowed_for(part: str) -> set[str]:
    """The packages that files of `part` may import besides its own."""
    if part in ONLY:
        return ONLY[part]
    level = next(i for i, layer in enumerate(LAYERS) if part in layer)
    return set().union(*LAYERS[:level]) | PEERS.get(part, set())


def dotted(path: Path) -> str:
    names = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


NAMES = {dotted(path) for path in MODULES}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, inside functions and for type checking as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                found.add(member if member in NAMES else node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_ok__imports_point_one_way(path: Path) -> None:
    part = part_of(dotted(path))
    if not part:
        return
    assert any(part in layer for layer in LAYERS), f"{part} has no layer"
    for module in imports_of(path):
        if module.startswith("plategate."):
            assert part_of(module) in allowed_for(part) | {part}, f"{part} must not import {module}"


def test_ok__no_file_takes_part_in_a_circle_of_imports() -> None:
    """Neither at import time nor later: an import inside a function counts as well."""
    known = {dotted(path): path for path in MODULES}
    needs = {name: {m for m in imports_of(path) if m in known} for name, path in known.items()}
    while free := {name for name, wanted in needs.items() if not wanted - {name}}:
        needs = {name: wanted - free for name, wanted in needs.items() if name not in free}
    assert not needs, f"in a circle, or dependent on one: {sorted(needs)}"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_ok__only_hardware_loads_the_board_libraries(path: Path) -> None:
    loaded = {module.split(".")[0] for module in imports_of(path)} & BOARD_LIBRARIES
    assert not loaded or part_of(dotted(path)) in MAY_LOAD, f"{path.name} imports {loaded}"


@pytest.mark.parametrize("path", TRACKED_PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_ok__file_is_short_and_says_its_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    assert text.startswith(("# SPDX-License-Identifier: Apache-2.0\n", "#!"))
    docstring = ast.get_docstring(ast.parse(text)) or ""
    first = docstring.split("\n\n")[0]
    assert first.rstrip().endswith((".", ":")), f"no first sentence: {first!r}"


def test_ok__few_files_are_short() -> None:
    """A file that is split off for its length alone makes the package harder to read."""
    short = [
        dotted(path)
        for path in MODULES
        if path.name != "__init__.py"
        and path.read_text(encoding="utf-8").count("\n") < SHORTEST_FILE
    ]
    assert len(short) <= SHORT_FILES, f"{len(short)} files are short: {', '.join(short)}"


def test_ok__lane_imports_with_the_standard_library_alone() -> None:
    code = (
        "import sys; import plategate.lane; "
        "outside = {'numpy', 'cv2', 'pydantic', 'gpiozero', 'httpx', 'typer'} & set(sys.modules); "
        "sys.exit(f'loaded {outside}' if outside else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ok__top_level_is_as_designed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {name.split("/")[0] for name in tracked}
    folders = {"firmware", "models", "scripts", "tests", "docs", "requirements", ".ci"}
    files = {
        "setup.sh",
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
    }
    assert top <= folders | files | {".gitignore"}


def readme_commands() -> list[str]:
    """The `plategate ...` lines of the README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if "plategate" in line.split(" ")[0]]


@pytest.mark.parametrize("line", readme_commands())
def test_ok__readme_commands_are_known(line: str) -> None:
    """Each sub-command named in the README exists and knows the options that it is shown with."""
    words = line.split()
    depth = 3 if words[1] in ("list", "records", "journal") else 2
    usage = subprocess.run(
        [sys.executable, "-m", "plategate", *words[1:depth], "--help"],
        capture_output=True, text=True, check=False, env={"COLUMNS": "200"},
    )  # fmt: skip
    assert usage.returncode == 0, usage.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option.split("=")[0] in usage.stdout


def imported_names() -> list[tuple[str, str, str]]:
    """File, module and name of everything that scripts and trainings import from the package."""
    tracked = subprocess.run(
        ["git", "ls-files", "scripts", "models", "tests"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    found = []
    for name in tracked:
        file = ROOT / name
        if file.suffix not in (".py", "") or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix == "" and "python" not in text.partition("\n")[0]:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("plategate"):
                found += [(name, str(node.module), alias.name) for alias in node.names]
    return found


def test_ok__what_scripts_and_trainings_import_from_the_package_exists() -> None:
    missing = []
    for file, module, name in imported_names():
        if f"{module}.{name}" in NAMES:
            continue
        if not hasattr(importlib.import_module(module), name):
            missing.append(f"{file}: {module}.{name}")
    assert not missing
