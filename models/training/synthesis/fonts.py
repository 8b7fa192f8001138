# SPDX-License-Identifier: Apache-2.0
"""Collects the fonts named in fonts.toml into a cache folder and finds them by class."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

from PIL import ImageFont

HERE = Path(__file__).parent
DEBIAN_ROOTS = (Path("/usr/share/fonts/truetype"), Path("/usr/share/fonts/opentype"))


class MissingFontsError(RuntimeError):
    """The font cache holds no usable font."""


def cache_folder() -> Path:
    """The folder that holds the fonts, taken from PLATEGATE_FONTS when it is set."""
    return Path(os.environ.get("PLATEGATE_FONTS", Path.home() / ".cache/plategate/fonts"))


def _copy_debian(files: dict[str, list[str]], folder: Path) -> list[str]:
    missing = []
    for name in files:
        source = next((root / name for root in DEBIAN_ROOTS if (root / name).is_file()), None)
        if source is None:
            missing.append(name)
        else:
            shutil.copy(source, folder / Path(name).name)
    return missing


def _convert_npm(package: str, files: dict[str, list[str]], folder: Path) -> list[str]:
    from fontTools.ttLib import TTFont

    missing = []
    for name in files:
        source = folder / "npm/node_modules" / package / "files" / f"{name}.woff2"
        if not source.is_file():
            missing.append(name)
            continue
        font = TTFont(source)
        font.flavor = None
        font.save(folder / f"{name}.ttf")
    return missing


def copy_debian_fonts(folder: Path) -> list[str]:
    """Copy the fonts of installed Debian packages; returns the names of those that are missing."""
    missing: list[str] = []
    for entry in tomllib.loads((HERE / "fonts.toml").read_text())["debian"]:
        missing += _copy_debian(entry["files"], folder)
    return missing


def fetch_fonts() -> list[str]:
    """Fill the cache and return the names of the fonts that are unavailable."""
    table = tomllib.loads((HERE / "fonts.toml").read_text())
    folder = cache_folder()
    (folder / "npm").mkdir(parents=True, exist_ok=True)
    missing = copy_debian_fonts(folder)
    packages = sorted({entry["package"] for entry in table["npm"]})
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder / "npm")]
    subprocess.run([*command, *packages], check=True, stdout=subprocess.DEVNULL)
    for entry in table["npm"]:
        missing += _convert_npm(entry["package"], entry["files"], folder)
    return missing


@functools.cache
def fonts_by_class() -> dict[str, tuple[Path, ...]]:
    """Paths of the cached fonts for every class, and for `any`."""
    table = tomllib.loads((HERE / "fonts.toml").read_text())
    found: dict[str, list[Path]] = {}
    for entry in [*table["debian"], *table["npm"]]:
        for name, classes in entry["files"].items():
            path = cache_folder() / Path(name).name
            path = path if path.suffix in (".ttf", ".otf") else path.with_name(path.name + ".ttf")
            if path.is_file():
                for label in [*classes, "any"]:
                    found.setdefault(label, []).append(path)
    if not found:
        raise MissingFontsError(f"no fonts in {cache_folder()}: run fetch_fonts first")
    return {label: tuple(paths) for label, paths in found.items()}


@functools.lru_cache(maxsize=1024)
def load_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels, kept open."""
    return ImageFont.truetype(str(path), size)


if __name__ == "__main__":
    for lost in fetch_fonts():
        raise SystemExit(f"missing: {lost}")
