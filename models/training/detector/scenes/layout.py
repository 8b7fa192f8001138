# SPDX-License-Identifier: Apache-2.0
"""Where things stand in a batch of scenes: panes of photographs, drawn plates, distractors.

A scene has one pane or several, side by side, each with one photograph in which a labelled plate
gets a random width and place. Drawn plates take the place of real ones or stand anywhere, alone or
in a row of small ones. All of a batch is drawn at once; shapes are given as B scenes, S panes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .shapes import Objects, Pastes, along, boxes_of, join, moved, random_turn, touching, uniform
from .stock import PLAIN, Stock

GRIDS = ((1, 1), (2, 2), (3, 3), (2, 1), (4, 2), (5, 2), (3, 1), (5, 3))  # columns, rows of panes
PANES = max(columns * rows for columns, rows in GRIDS)
NARROWEST, WIDEST, CANVAS = 10.0, 240.0, 384.0  # plate widths in a canvas of that width, in pixels
ROW = 5  # plates in a row
EDGE_CHANCE = 0.25  # how often a plate may be cut by the edge of its pane
FRAMED = 0.4  # how often a drawn plate has a frame around it, which is not part of the plate


@dataclass(frozen=True)
class Mix:
    """How often scenes show what."""

    grids: tuple[float, ...]  # of each of GRIDS
    real: float  # panes with the plates of their photograph
    drawn: float  # running share: panes with drawn plates in their place; the rest show none
    whole: float  # single panes that show a whole photograph, as the device does
    row: float  # scenes with a row of small plates
    lone: float  # scenes with a plate that hangs anywhere


MIXES = {
    # Many plates of all sizes, to learn from quickly.
    "rich": Mix((0.50, 0.14, 0.10, 0.06, 0.06, 0.05, 0.05, 0.04), 0.60, 0.92, 0.0, 0.22, 0.15),
    # Closer to what a camera sees, to learn what is no plate.
    "plain": Mix((0.80, 0.10, 0.02, 0.03, 0.02, 0.01, 0.01, 0.01), 0.75, 0.90, 0.6, 0.03, 0.03),
}


@dataclass
class Panes:
    """Panes of a batch, P of them."""

    scene: Tensor  # P
    box: Tensor  # P x 4 in pixels of the scene; empty where there is no such pane
    texture: Tensor  # P
    affine: Tensor  # P x 2 x 3, from the photograph to the scene
    number: Tensor  # B x rows x columns of the canvas: which pane a pixel belongs to


@dataclass
class Layout:
    """What a batch of scenes is rendered from, and what is in it."""

    panes: Panes
    under: Pastes  # frames and distractors
    over: Pastes  # plates
    objects: Objects


class Planner:
    """Draws layouts with what a stock holds."""

    def __init__(self, stock: Stock, seed: int, mix: Mix = MIXES["rich"]) -> None:
        self.stock, self.device, self.mix = stock, stock.pixels.device, mix
        self.random = torch.Generator(self.device).manual_seed(seed)
        plates = stock.plates
        self._widths = plates.box[:, 2] - plates.box[:, 0]
        owned = plates.of_photograph[plates.owner]
        exact = plates.exact[owned.clamp(min=0)] | (owned < 0)
        self._all_exact = exact.all(1)  # of a plate's photograph
        self._exact = plates.exact.nonzero()[:, 0]

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform random numbers."""
        return uniform(self.random, low, high, shape)

    def below(self, limit: int, count: int) -> Tensor:
        """Random whole numbers from 0 to `limit` - 1."""
        return torch.randint(limit, (count,), generator=self.random, device=self.device)

    def normal(self, *shape: int) -> Tensor:
        """Normal random numbers."""
        return torch.randn(shape, generator=self.random, device=self.device)

    def layout(self, count: int, width: int, height: int) -> Layout:
        """`count` scenes of this size."""
        box, number = self._grid(count, width, height)
        scene = torch.arange(count, device=self.device).repeat_interleave(PANES)
        kind = self.uniform(0, 1, len(scene))
        plate = torch.multinomial(
            self.stock.plates.rate, len(scene), replacement=True, generator=self.random
        )
        affine = self._views(plate, box, kind < self.mix.real, width)
        owner = self.stock.plates.owner[plate]
        texture = torch.where(kind < self.mix.real, owner, owner + self.stock.photographs)
        panes = Panes(scene, box, texture, affine, number)
        real = self._real(panes, owner, kind < self.mix.real)
        frames, redrawn, drawn = self._redrawn(
            panes, owner, (kind >= self.mix.real) & (kind < self.mix.drawn)
        )
        objects = join(real, drawn)
        more_under, more_over, more = self._decorations(objects, count, width, height)
        return Layout(
            panes, join(frames, more_under), join(redrawn, more_over), join(objects, more)
        )

    def _grid(self, count: int, width: int, height: int) -> tuple[Tensor, Tensor]:
        """Boxes of all panes (B*S x 4), and of which pane each pixel is."""
        shares = torch.tensor(self.mix.grids, device=self.device)
        grid = torch.multinomial(shares, count, replacement=True, generator=self.random)
        sizes = torch.tensor(GRIDS, device=self.device)[grid]
        edges = []
        for axis, (side, most) in enumerate(((width, 5), (height, 3))):
            parts = sizes[:, axis : axis + 1].float()
            step = torch.arange(most + 1, device=self.device)[None].float()
            shift = self.uniform(-0.12, 0.12, count, most + 1) * (step > 0) * (step < parts)
            edges.append(((step + shift) / parts * side).round().clamp(max=side))
        x, y = edges
        slot = torch.arange(PANES, device=self.device)[None]
        column, row = slot % sizes[:, :1], slot // sizes[:, :1]
        there = row < sizes[:, 1:]
        row = torch.where(there, row, 0)
        ends = [
            x.gather(1, column),
            y.gather(1, row),
            x.gather(1, column + 1),
            y.gather(1, row + 1),
        ]
        box = torch.stack(ends, 2) * there[..., None]
        across = (torch.arange(width, device=self.device)[None, None] >= x[:, 1:5, None]).sum(1)
        down = (torch.arange(height, device=self.device)[None, None] >= y[:, 1:3, None]).sum(1)
        pane = down[:, :, None] * sizes[:, :1, None] + across[:, None, :]
        first = torch.arange(count, device=self.device)[:, None, None] * PANES
        return box.reshape(-1, 4), (first + pane.clamp(max=PANES - 1)).int()

    def _views(self, plate: Tensor, pane: Tensor, real: Tensor, width: int) -> Tensor:
        """Affine maps that give each pane's plate a random width, turn and place (P x 2 x 3)."""
        count = len(plate)
        size = (pane[:, 2:] - pane[:, :2]).clamp(min=8)
        box, own = self.stock.plates.box[plate], self._widths[plate]
        whole = size[:, 0] >= width
        widest = torch.where(whole, size[:, 0] * (WIDEST / CANVAS), size[:, 0] * 0.8)
        low = torch.full_like(widest, math.log(NARROWEST))
        wanted = torch.exp(low + (widest.log() - low) * self.uniform(0, 1, count))
        scale = (wanted / own).clamp(0.07, 3.5)
        exact = ~real | self._all_exact[plate]
        steep = exact & (self.uniform(0, 1, count) < 0.3)
        gentle = (self.normal(count) * torch.where(exact, 4.0, 1.5)).clamp(-12, 12)
        angle = torch.where(steep, self.uniform(-30, 30, count), gentle) * (math.pi / 180)
        stretch, shear = torch.exp(self.normal(count) * 0.07), self.normal(count) * 0.03
        flip = torch.where(self.uniform(0, 1, count) < 0.5, -1.0, 1.0)
        cos, sin = angle.cos() * scale, angle.sin() * scale
        first = torch.stack([cos * stretch, sin * stretch], 1) * flip[:, None]
        second = torch.stack([cos * shear - sin / stretch, sin * shear + cos / stretch], 1)
        linear = torch.stack([first, second], 2)
        at_edge = self.uniform(0, 1, count) < EDGE_CHANCE
        keep = torch.where(at_edge, 0.2, 0.55)
        high = (box[:, 3] - box[:, 1]) / own
        margin = torch.stack([keep, keep * high.clamp(max=1)], 1) * (own * scale)[:, None]
        margin = torch.minimum(margin, size / 2)
        to = pane[:, :2] + margin + (size - 2 * margin) * self.uniform(0, 1, count, 2)
        centre = (box[:, :2] + box[:, 2:]) / 2
        shift = to - (linear @ centre[:, :, None])[..., 0]
        views = torch.cat([linear, shift[:, :, None]], 2)
        chosen = whole & (self.uniform(0, 1, count) < self.mix.whole)
        return torch.where(chosen[:, None, None], self._whole(plate, pane, linear, scale), views)

    def _whole(self, plate: Tensor, pane: Tensor, linear: Tensor, scale: Tensor) -> Tensor:
        """Affine maps that fit each plate's photograph into its pane, most at the top left."""
        height, width = self.stock.sizes[self.stock.plates.owner[plate], 0].float().unbind(1)
        none = torch.zeros_like(width)
        x, y = (
            torch.stack([none, width, width, none], 1),
            torch.stack([none, none, height, height], 1),
        )
        corners = torch.stack([x, y], 1)
        size, linear = pane[:, 2:] - pane[:, :2], linear / scale[:, None, None]
        seen = linear @ corners
        fit = (size / (seen.amax(2) - seen.amin(2))).amin(1) * self.uniform(0.9, 1.03, len(plate))
        linear, seen = linear * fit[:, None, None], seen * fit[:, None, None]
        room = size - (seen.amax(2) - seen.amin(2))
        aside = self.uniform(0, 1, len(plate), 2) * (self.uniform(0, 1, len(plate), 1) < 0.3)
        shift = pane[:, :2] - seen.amin(2) + room * aside
        return torch.cat([linear, shift[:, :, None]], 2)

    def _real(self, panes: Panes, owner: Tensor, shown: Tensor) -> Objects:
        """The labelled plates that the panes show."""
        number = self.stock.plates.of_photograph[owner]
        pane, slot = ((number >= 0) & shown[:, None]).nonzero().unbind(1)
        plate = number[pane, slot]
        quad = moved(panes.affine[pane], self.stock.plates.quad[plate])
        known = 1 + self.stock.plates.exact[plate].long()
        return Objects.seen(panes.scene[pane], quad, known, panes.box[pane])

    def _redrawn(
        self, panes: Panes, owner: Tensor, shown: Tensor
    ) -> tuple[Pastes, Pastes, Objects]:
        """Drawn plates in place of the labelled ones: frames, plates, and what they are."""
        number = self.stock.plates.of_photograph[owner]
        pane, slot = ((number >= 0) & shown[:, None]).nonzero().unbind(1)
        plate, count = number[pane, slot], len(pane)
        box = self.stock.plates.box[plate]
        texture = self._drawn(count)
        quad = random_turn(self.random, self._aspect(texture))
        size = box[:, 2:] - box[:, :2]
        low, high = boxes_of(quad)[:, :2], boxes_of(quad)[:, 2:]
        fit = (size.prod(1) / (high - low).prod(1)).sqrt()
        fit = torch.minimum(torch.maximum(fit, 0.7 * size[:, 0]), 1.3 * size[:, 0])
        fit = fit * self.uniform(0.85, 1.15, count)
        centre = (box[:, :2] + box[:, 2:]) / 2 + 0.04 * self.normal(count, 2) * size
        quad = moved(panes.affine[pane], quad * fit[:, None, None] + centre[:, None])
        light = self.stock.plates.light[plate]
        least = torch.where(self.uniform(0, 1, count) < 0.8, 40.0, 15.0)[:, None]
        spread = torch.maximum(light[:, 1] - light[:, 0], least) * self.uniform(0.6, 1.3, count, 1)
        dark = light[:, 0] * self.uniform(0.5, 1.2, count, 1)
        scene, clip = panes.scene[pane], panes.box[pane]
        plates = Pastes.drawn(self.stock, scene, clip, quad, texture, dark, spread)
        known = torch.full((count,), 2, device=self.device)
        return self._frames(plates), plates, Objects.seen(scene, quad, known, clip)

    def _frames(self, plates: Pastes) -> Pastes:
        """Frames of one colour or with lettering around some of the plates."""
        chosen = (self.uniform(0, 1, len(plates.scene)) < FRAMED).nonzero()[:, 0]
        count = len(chosen)
        lettered = self.uniform(0, 1, count) < 0.35
        plain = self.stock.first_plain + self.below(PLAIN, count)
        texture = torch.where(lettered, self._others(count), plain)
        quad = plates.quad[chosen]
        quad = along(quad, self.uniform(0.01, 0.10, count), self.uniform(0.03, 0.28, count))
        dark = torch.zeros(count, 3, device=self.device)
        spread = self.uniform(40, 230, count, 1).expand(-1, 3)
        return Pastes.drawn(
            self.stock, plates.scene[chosen], plates.clip[chosen], quad, texture, dark, spread
        )

    def _drawn(self, count: int) -> Tensor:
        """Textures of drawn plates."""
        return self.stock.first_drawn + self.below(self.stock.drawn, count)

    def _others(self, count: int) -> Tensor:
        """Textures of distractors."""
        return self.stock.first_other + self.below(self.stock.others, count)

    def _aspect(self, texture: Tensor) -> Tensor:
        height, width = self.stock.sizes[texture, 0].float().unbind(1)
        return width / height

    def _decorations(
        self, objects: Objects, count: int, width: int, height: int
    ) -> tuple[Pastes, Pastes, Objects]:
        """Rows of small plates, single plates and distractors, where nothing else stands."""
        size = torch.tensor([width, height], device=self.device, dtype=torch.float32)
        every = torch.arange(count, device=self.device)
        canvas = torch.cat([torch.zeros_like(size), size]).expand(count, 4)
        taken, under, over, found = objects, [], [], []
        in_row = self.uniform(0, 1, count) < self.mix.row
        begin = self.uniform(-0.02, 0.3, count, 2) * size + size * torch.tensor(
            [0.0, 0.35], device=self.device
        )
        step = torch.stack(
            [self.uniform(0.09, 0.24, count) * width, self.normal(count) * 0.015 * height], 1
        )
        small = torch.exp(self.uniform(math.log(10.0), math.log(32.0), count))
        for turn in range(ROW + 3):
            is_plate = turn <= ROW
            texture = self._drawn(count) if is_plate else self._others(count)
            if turn < ROW:
                chosen, wide = in_row, small
                middle = begin + step * turn + self.normal(count, 2) * 3
            else:
                chosen = self.uniform(0, 1, count) < (self.mix.lone, 0.4, 0.25)[turn - ROW]
                middle = self.uniform(0.02, 0.98, count, 2) * size
                wide = 0.03 * width * torch.exp(self.uniform(0, math.log(20.0), count))
            quad = random_turn(self.random, self._aspect(texture))
            quad = quad * wide[:, None, None] + middle[:, None]
            chosen = chosen & ~touching(every, quad, taken.scene, taken.quad, count)
            scene, quad, texture = every[chosen], quad[chosen], texture[chosen]
            light = self.uniform(20, 200, len(scene), 1)
            dark = light * self.uniform(0.05, 0.6, len(scene), 3)
            spread = light * self.uniform(0.5, 1.4, len(scene), 1) + 15
            pasted = Pastes.drawn(
                self.stock, scene, canvas[chosen], quad, texture, dark, spread.expand(-1, 3)
            )
            known = torch.full((len(scene),), 2 if is_plate else -1, device=self.device)
            one = Objects.seen(scene, quad, known, canvas[chosen])
            taken = join(taken, one)
            (over if is_plate else under).append(pasted)
            found.append(one)
            if is_plate:
                under.append(self._frames(pasted))
        return join(*under), join(*over), join(*found)
