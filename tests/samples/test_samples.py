# SPDX-License-Identifier: Apache-2.0
"""Guards samples: kept with consent only, nothing but one plate shows, and they are measurable."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.cli import app
from plategate.errors import CommandError
from plategate.gate.remote_control import serve_commands
from plategate.gate.samples import SampleKeeper
from plategate.journal.reader import EventFilter, JournalReader
from plategate.plate_data.hidden import hidden_outside
from plategate.rehearsal.pictures import PictureRehearsal, rehearsal_settings
from plategate.samples.store import FOLDER, Sample, SampleStore
from plategate.settings import Settings, load_settings, parse_settings
from plategate.values import Passage, PlateRegion, PlateSighting, Reason, Result, Still, Verdict
from tests.conftest import FullDisk

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "tests/data/demo"
PICTURES = {
    found["text"]: DEMO / found["file"]
    for found in tomllib.loads((DEMO / "expected.toml").read_text())["picture"]
    if found.get("text")
}
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
BOX = (40.0, 30.0, 80.0, 40.0)


def sample(sample_id: str, days_ago: int = 0, text: str = "", read: str = "AB1") -> Sample:
    at = AT - timedelta(days=days_ago)
    return Sample(sample_id, "gate", at, "unread", "weak_reading", BOX, 160, 90, read, text)


def noise(width: int = 160, height: int = 90) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def sharpest(image: np.ndarray) -> int:
    """The greatest difference of neighbouring pixels of a row."""
    return int(np.abs(np.diff(image.astype(int), axis=1)).max())


def settings_file(folder: Path, consent: str) -> Path:
    file = folder / "settings.toml"
    user = getpass.getuser()
    file.write_text(
        f"# our gate\n[journal]\ndir = '{folder}/state'  # on the SSD\nmin_free_mb = 10\n"
        f"[samples]\nconsent = '{consent}'\n[commands]\nsocket = '{folder}/c.sock'\n"
        f"users.{user} = ['sample']\n[access]\nmin_confidence = 1.0\n",
        encoding="utf-8",
    )
    return file


class Rehearsed:
    """A gate that has read some pictures and takes commands; every reading counts as weak."""

    def __init__(self, folder: Path, consent: str, plates: int = 2) -> None:
        (folder / "state").mkdir()
        self.config = settings_file(folder, consent)
        self.plates = list(PICTURES)[:plates]
        lists = folder / "state/lists.sqlite"
        settings = rehearsal_settings(load_settings(self.config), folder / "state", lists)
        import_list_file(settings.access, DEMO / "allow.csv", name=ListName.ALLOW, who="test")
        pictures = [PICTURES[plate] for plate in self.plates]
        self.passages: list[Passage] = []
        play = PictureRehearsal(settings, pictures, lambda one: self.passages.append(one.passage))
        assert play.run()
        self.folder = settings.journal.dir
        self.events: list[Any] = []
        # The journal was closed with the gate.
        play.site.components.journal.add_event = self.events.append
        self.server = serve_commands(
            settings.commands,
            settings.journal.dir,
            play.site.gate,
            play.site.components,
            play.site.samples.services(),
        )

    def run(self, *words: str, status: int = 0, **more: Any) -> Any:
        done = CliRunner().invoke(app, ["samples", *words, "--config", str(self.config)], **more)
        assert done.exit_code == status, (done.output, done.exception)
        return done


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Rehearsed]:
    made = Rehearsed(tmp_path, "the owner, 2026-03-01")
    yield made
    made.server.close()


def test_ok__weak_readings_are_kept_corrected_exported_and_measured(
    gate: Rehearsed, tmp_path: Path
) -> None:
    assert [p.verdict.reason for p in gate.passages] == [Reason.WEAK_READING] * 2
    assert "2 of at most 200 samples, 2 without a text" in gate.run("list").stdout
    for passage, plate in zip(gate.passages, gate.plates, strict=True):
        gate.run("correct", passage.id, plate.lower())
    assert "0 without a text; consent: the owner" in gate.run("list").stdout
    out = tmp_path / "out"
    assert f"scripts/benchmark {out}" in gate.run("export", str(out)).stdout
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/benchmark", out, "--json"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (own,) = json.loads(done.stdout)["sets"]
    assert (own["name"], own["pictures"], own["exact"]) == ("own", 2, 100.0)


def test_ok__a_corrected_passage_is_kept_from_the_still_of_the_journal(gate: Rehearsed) -> None:
    gate.run("remove", "--all")
    gate.run("correct", gate.passages[0].id, gate.plates[0])
    (kept,) = SampleStore(gate.folder / FOLDER).all()
    assert (kept.why, kept.text, kept.who) == ("corrected", gate.plates[0], getpass.getuser())
    picture = cv2.imread(str(SampleStore(gate.folder / FOLDER).picture(kept.id)))
    x0, y0, x1, y1 = (round(side) for side in kept.box)
    assert sharpest(picture[y0:y1, x0:x1]) > 3 * sharpest(picture[: y0 // 3])


def test_ok__no_event_carries_the_corrected_plate(gate: Rehearsed) -> None:
    gate.run("correct", gate.passages[0].id, gate.plates[0])
    assert [event.what for event in gate.events] == ["command", "command_answered"]
    for event in gate.events:
        assert gate.plates[0] not in event.detail
        assert gate.passages[0].id in event.detail


def test_fail__what_cannot_be_corrected_is_refused(gate: Rehearsed) -> None:
    plate, passage = gate.plates[0], gate.passages[0].id
    done = gate.run("correct", "none", plate, status=1)
    assert isinstance(done.exception, CommandError)
    assert "refused: the journal has no passage none" in str(done.exception)
    gate.run("remove", "--all")
    for still in gate.folder.glob("evidence/*/*_still.jpg"):
        still.unlink()
    done = gate.run("correct", passage, plate, status=1)
    assert "_still.jpg: no such file" in str(done.exception)


def test_fail__a_plate_that_is_none_is_wrong_usage(gate: Rehearsed) -> None:
    assert "AB*1" in gate.run("correct", gate.passages[0].id, "AB*1", status=2).output


def test_fail__without_consent_nothing_is_kept(tmp_path: Path) -> None:
    gate = Rehearsed(tmp_path, "", plates=1)
    with closing(gate.server):
        assert gate.run("list").stdout.startswith("0 of at most 200 samples")
        done = gate.run("correct", gate.passages[0].id, gate.plates[0], status=1)
        assert "samples.consent is empty" in str(done.exception)
    assert not (gate.folder / FOLDER).exists()


def test_ok__on_asks_and_keeps_the_rest_of_the_file_and_off_deletes(tmp_path: Path) -> None:
    gate = Rehearsed(tmp_path, "", plates=1)
    with closing(gate.server):
        before = gate.config.read_text()
        gate.run("on", input="n\n", status=1)
        assert gate.config.read_text() == before
        gate.run("on", "--who", "A. Owner", input="y\n")
        text = gate.config.read_text()
        assert load_settings(gate.config).samples.consent.startswith("A. Owner, 20")
        assert "# our gate" in text
        assert "# on the SSD" in text
        gate.config.write_text(text, encoding="utf-8")
        store = SampleStore(gate.folder / FOLDER)
        store.add(sample("p1"), noise())
        assert "1 samples deleted" in gate.run("off").stdout
        assert list(store.folder.iterdir()) == []
        assert load_settings(gate.config).samples.consent == ""


def test_fail__nobody_is_asked_for_a_consent_that_the_profile_forbids(tmp_path: Path) -> None:
    config = settings_file(tmp_path, "")
    with config.open("a", encoding="utf-8") as file:
        file.write('[privacy]\nprofile = "fr"\n')
    before = config.read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["samples", "on", "--config", str(config)])
    assert '"fr" allows none' in str(done.exception)
    assert done.output == ""
    assert config.read_text(encoding="utf-8") == before


def test_fail__invalid_settings_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[samples]\nstills_max = 0\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["samples", "off", "--config", str(file)])
    assert "samples.stills_max = 0: must be at least 1" in str(done.exception)
    assert file.read_text() == "[samples]\nstills_max = 0\n"


def test_ok__outside_the_plate_nothing_can_be_read() -> None:
    image = np.full((360, 640, 3), 255, np.uint8)
    for at in ((20, 60), (300, 200)):
        cv2.putText(image, "AB12CDE", at, cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 3)
    hidden = hidden_outside(image, (300.0, 170.0, 460.0, 205.0))
    assert (hidden[170:205, 300:460] == image[170:205, 300:460]).all()
    assert sharpest(hidden[30:65, 20:200]) < 20, "a stroke would be an edge of 255"


def test_ok__an_unread_region_is_enough_and_a_still_without_one_is_not_kept(tmp_path: Path) -> None:
    settings = parse_settings(
        {"journal": {"dir": str(tmp_path), "min_free_mb": 10}, "samples": {"consent": "me"}}, "t"
    )
    keeper, store = SampleKeeper(lambda: settings), SampleStore(tmp_path / FOLDER)
    corners = ((40.0, 30.0), (80.0, 30.0), (80.0, 40.0), (40.0, 40.0))
    still = Still(noise(), "test")
    for number, regions in enumerate([(), (PlateRegion(corners, 0.4, "contour"),)]):
        verdict = Verdict(Result.UNSURE, Reason.NOTHING_SEEN)
        passage = Passage(f"p{number}", "gate", AT, "beam", verdict)
        keeper.recorded(passage, PlateSighting(None, None, still, 1, unread=regions))
    assert [(kept.id, kept.box) for kept in store.all()] == [("p1", BOX)]


def test_ok__old_and_surplus_samples_go_uncorrected_ones_first(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / FOLDER)
    for each in (sample("old", 100), sample("right", 9, "AB1"), sample("b", 8), sample("c", 7)):
        store.add(each, noise())
    assert store.trim(2, 90, AT) == 2
    assert [kept.id for kept in store.all()] == ["right", "c"]
    (tmp_path / FOLDER / "stray.jpg").write_bytes(b"cut off by a power cut")
    assert store.trim(2, 1, None) == 0, "without a trusted clock no age counts"
    assert sorted(p.name for p in store.folder.iterdir()) == [
        "c.jpg", "c.json", "right.jpg", "right.json",
    ]  # fmt: skip


def test_ok__the_withdrawn_consent_deletes_at_the_next_tidy(tmp_path: Path) -> None:
    settings = Settings().model_copy(
        update={"journal": Settings().journal.model_copy(update={"dir": tmp_path})}
    )
    store = SampleStore(tmp_path / FOLDER)
    store.add(sample("p1"), noise())
    SampleKeeper(lambda: settings).tidy(AT, True)
    assert store.all() == []


def test_ok__samples_of_a_plate_are_removed_by_what_was_read_or_said(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / FOLDER)
    for each in (sample("a", text="XY9"), sample("b", read="XY9"), sample("c", read="ZZ1")):
        store.add(each, noise())
    assert store.remove_plate("XY9") == (2, 0)
    assert [kept.id for kept in store.all()] == ["c"]


def test_fail__a_folder_with_files_is_named(gate: Rehearsed, tmp_path: Path) -> None:
    done = gate.run("export", str(tmp_path), status=1)
    assert "is not empty; name a new folder" in str(done.exception)


def test_fail__an_export_to_a_full_disk_can_be_repeated(
    gate: Rehearsed, tmp_path: Path, full_disk: FullDisk
) -> None:
    out = tmp_path / "out"
    with full_disk(1000):
        done = gate.run("export", str(out), status=1)
    assert "File too large" in str(done.exception)
    assert not out.exists()
    gate.run("export", str(out))


def test_fail__remove_wants_one_choice_and_known_ids(gate: Rehearsed) -> None:
    gate.run("remove", status=2)
    gate.run("remove", "x", "--all", status=2)
    assert "there is no sample x" in str(gate.run("remove", "x", status=1).exception)


def test_ok__the_journal_of_the_rehearsal_holds_the_passages(gate: Rehearsed) -> None:
    with closing(JournalReader(gate.folder)) as journal:
        found = journal.newest(None, EventFilter())
    assert all(stored.document["sighting"]["still_px"] for stored in found)
