# SPDX-License-Identifier: Apache-2.0
"""Removes hidden channels of a trained network's blocks that the other channels can stand in for.

In every `trunk.Block` the channels between its two pointwise convolutions are removed one by one:
each time the one whose loss changes the output of the block least when the weights of the others
are fitted again by least squares (Hassibi and Stork 1993, Optimal brain surgeon; He et al. 2017,
Channel pruning). All blocks lose channels up to the same share of their output's variance. Then the
network has to be trained on, with the whole one as its teacher.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from trunk import Block, convolution

MULTIPLE = 8  # of the hidden channels that stay; integer kernels compute eight at a time
DAMPING = 1e-4  # of the mean variance of a channel
TRIALS = 20  # halvings of the interval that holds the share of variance

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Removal:
    """The order in which a block's hidden channels are removed, and what each costs."""

    order: tuple[int, ...]
    lost: tuple[float, ...]  # share of the output's variance, after each removal
    cost: int  # multiplications of one hidden channel for a picture

    def width(self, most: float) -> int:
        """How many channels are left when at most this share of variance is lost."""
        removed = sum(share <= most for share in self.lost)
        return max(MULTIPLE, -(-(len(self.order) - removed) // MULTIPLE) * MULTIPLE)


def blocks_of(network: nn.Module) -> list[Block]:
    """The blocks with hidden channels, in their order."""
    return [m for m in network.modules() if isinstance(m, Block) and m.mix is not None]


def hidden_of(block: Block) -> int:
    """How many hidden channels a block has."""
    return len(_weight(_widen(block)))


def shaped_for(network: nn.Module, weights: Weights) -> nn.Module:
    """The network with as many hidden channels in every block as these weights have."""
    names = {module: name for name, module in network.named_modules()}
    for block in blocks_of(network):
        hidden = len(weights[f"{names[block]}.mix.0.0.weight"])
        if hidden != hidden_of(block):
            block.mix = _mix(block, hidden)
    return network


@torch.no_grad()
def pruned(network: nn.Module, pictures: Tensor, share: float) -> None:
    """Remove channels until `share` of the multiplications of all hidden channels is left.

    `pictures` is a batch of inputs on which the channels are compared.
    """
    network.eval()
    removals = [_removal(*_moments(network, block, pictures)) for block in blocks_of(network)]
    total = sum(len(one.order) * one.cost for one in removals)
    low, high = 0.0, 1.0
    for _ in range(TRIALS):
        most = (low + high) / 2
        left = sum(one.width(most) * one.cost for one in removals)
        low, high = (most, high) if left > share * total else (low, most)
    for block, one in zip(blocks_of(network), removals, strict=True):
        count = len(one.order) - one.width(high)
        _remove(block, one.order[:count], *_moments(network, block, pictures)[:1])


def prune_file(
    description: str | None,
    share: float,
    load: Callable[[Path], nn.Module],
    pictures: Callable[[argparse.Namespace], Tensor],
    extra: Callable[[argparse.ArgumentParser], object] = bool,
) -> None:
    """Command line: a checkpoint in, one with fewer hidden channels out."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv")
    parser.add_argument("--share", type=float, default=share, help="of the work to keep")
    extra(parser)
    options = parser.parse_args()
    network = load(options.checkpoint)
    pruned(network, pictures(options), options.share)
    options.target.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"average": network.state_dict()}, options.target)
    print("hidden channels:", *(hidden_of(block) for block in blocks_of(network)))


def _widen(block: Block) -> nn.Sequential:
    """The pointwise convolution to the hidden channels, its normalisation and activation."""
    assert block.mix is not None
    layers = block.mix[0]
    assert isinstance(layers, nn.Sequential)
    return layers


def _narrow(block: Block) -> nn.Sequential:
    """The pointwise convolution from the hidden channels, and its normalisation."""
    assert block.mix is not None
    layers = block.mix[1]
    assert isinstance(layers, nn.Sequential)
    return layers


def _weight(layers: nn.Sequential) -> nn.Parameter:
    layer = layers[0]
    assert isinstance(layer, nn.Conv2d)
    return layer.weight


def _norm(layers: nn.Sequential) -> nn.BatchNorm2d:
    norm = layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    return norm


def _mean(norm: nn.BatchNorm2d) -> Tensor:
    assert norm.running_mean is not None
    return norm.running_mean


def _mix(block: Block, hidden: int) -> nn.Sequential:
    """Layers like the block's with this many hidden channels."""
    inputs, outputs = _weight(_widen(block)).shape[1], len(_weight(_narrow(block)))
    widen = convolution(inputs, hidden, then=nn.Hardswish(inplace=True))
    return nn.Sequential(widen, convolution(hidden, outputs))


def _outgoing(block: Block) -> Tensor:
    """Weights from hidden channels to outputs as they act after normalisation, H x outputs."""
    weight = _weight(_narrow(block))[:, :, 0, 0] * _scale(_norm(_narrow(block)))[:, None]
    return weight.T.double()


def _scale(norm: nn.BatchNorm2d) -> Tensor:
    assert norm.running_var is not None
    return norm.weight / (norm.running_var + norm.eps).sqrt()


def _moments(
    network: nn.Module, block: Block, pictures: Tensor
) -> tuple[Tensor, Tensor, float, int]:
    """Second moments of hidden channels and a constant, weights, variance of the output, cost."""
    seen: list[Tensor] = []
    variances: list[Tensor] = []
    hooks = [
        _narrow(block).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])),
        block.register_forward_hook(
            lambda _, __, out: variances.append(out.double().var((0, 2, 3)))
        ),
    ]
    network(pictures)
    for hook in hooks:
        hook.remove()
    hidden = seen[0].permute(0, 2, 3, 1).flatten(0, 2).double()
    wide = torch.cat([hidden, torch.ones(len(hidden), 1, dtype=torch.double)], 1)
    weights = _outgoing(block)
    size = seen[0].shape[2] * seen[0].shape[3]
    sides = _weight(_widen(block)).shape[1] + weights.shape[1]
    return wide.T @ wide / len(wide), weights, float(variances[0].sum()), int(size * sides)


def _inverse(moments: Tensor) -> Tensor:
    damping = DAMPING * moments.diagonal()[:-1].mean() * torch.eye(len(moments)).double()
    inverse: Tensor = torch.linalg.inv(moments + damping)
    return inverse


def _removal(moments: Tensor, weights: Tensor, variance: float, cost: int) -> Removal:
    """Remove all channels one after the other; the constant stays."""
    inverse = _inverse(moments)
    kept = torch.cat([weights, torch.zeros(1, weights.shape[1]).double()])
    there = torch.ones(len(weights), dtype=torch.bool)
    order, lost, error = [], [], 0.0
    for _ in range(len(weights)):
        loss = kept[:-1].square().sum(1) / inverse.diagonal()[:-1]
        loss[~there] = torch.inf
        one = int(loss.argmin())
        error += float(loss[one])
        column = inverse[:, one] / inverse[one, one]
        kept -= column[:, None] * kept[one]
        inverse -= column[:, None] * inverse[one]
        there[one] = False
        order.append(one)
        lost.append(error / variance)
        inverse[one, one] = 1.0
    return Removal(tuple(order), tuple(lost), cost)


def _remove(block: Block, removed: tuple[int, ...], moments: Tensor) -> None:
    """Take channels out of a block and fit the weights of the others again."""
    if not removed:
        return
    wide, narrow, weights = _widen(block), _narrow(block), _outgoing(block)
    kept = [at for at in range(len(weights)) if at not in set(removed)]
    there = torch.tensor([*kept, len(weights)])
    goal = moments[there][:, :-1] @ weights
    part = moments[there][:, there]
    damping = DAMPING * part.diagonal()[:-1].mean() * torch.eye(len(part)).double()
    fitted = torch.linalg.solve(part + damping, goal)
    block.mix = _mix(block, len(kept))
    new_wide, new_narrow = _widen(block), _narrow(block)
    _copy(new_wide, wide, torch.tensor(kept))
    norm = _norm(narrow)
    scale = _scale(norm).double()
    _norm(new_narrow).load_state_dict(norm.state_dict())
    _weight(new_narrow).copy_((fitted[:-1] / scale).T[:, :, None, None])
    _mean(_norm(new_narrow)).sub_((fitted[-1] / scale).float())
    block.mix.eval()


def _copy(mine: nn.Sequential, theirs: nn.Sequential, kept: Tensor) -> None:
    """Copy these output channels of a normalised convolution."""
    _weight(mine).copy_(_weight(theirs)[kept])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(_norm(mine), name).copy_(getattr(_norm(theirs), name)[kept])
