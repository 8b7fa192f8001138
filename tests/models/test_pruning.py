# SPDX-License-Identifier: Apache-2.0
"""Guards: pruning removes the channels that others can stand in for, and files keep their shape.

These parts need torch, which only the training has (models/training/requirements.txt).
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is installed for the training only")

INPUTS, HIDDEN, DOUBLED = 24, 48, 16


@pytest.fixture
def pruning(training_part):
    return training_part("pruning")


def network_with_doubles(pruning):
    """Three blocks, of which the second has every one of its first 16 hidden channels twice."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(*(pruning.Block(INPUTS, INPUTS) for _ in range(3)))
    widen, _ = network[1].mix
    with torch.no_grad():
        widen[0].weight[-DOUBLED:] = widen[0].weight[:DOUBLED]
    return network.eval()


def test_a_channel_that_stands_twice_is_removed_and_nothing_changes(
    pruning,
) -> None:
    network = network_with_doubles(pruning)
    pictures = torch.randn(8, INPUTS, 12, 16)
    before = network(pictures)
    pruning.pruned(network, pictures, share=1 - DOUBLED / (3 * HIDDEN))
    assert [pruning.hidden_of(block) for block in network] == [HIDDEN, HIDDEN - DOUBLED, HIDDEN]
    assert network(pictures).detach().numpy() == pytest.approx(before.detach().numpy(), abs=2e-3)


@pytest.mark.parametrize("share", [0.75, 0.5])
def test_at_most_the_share_of_multiplications_is_left(pruning, share: float) -> None:
    network = network_with_doubles(pruning)
    pruning.pruned(network, torch.randn(8, INPUTS, 12, 16), share)
    left = [pruning.hidden_of(block) for block in network]
    assert sum(left) <= share * 3 * HIDDEN
    assert all(one % pruning.MULTIPLE == 0 for one in left)


def test_the_others_are_fitted_again(pruning) -> None:
    fitted, plain = network_with_doubles(pruning), network_with_doubles(pruning)
    pictures = torch.randn(8, INPUTS, 12, 16)
    before = plain(pictures)
    pruning.pruned(fitted, pictures, 0.6)
    for block, small in zip(plain, fitted, strict=True):
        kept = small.mix[0][0].weight
        there = [(kept == one).flatten(1).all(1).any() for one in block.mix[0][0].weight]
        block.mix[1][0].weight.data[:, ~torch.stack(there)] = 0
    apart = [float((one(pictures) - before).square().mean().detach()) for one in (fitted, plain)]
    assert apart[0] < 0.5 * apart[1]


def test_a_network_takes_the_weights_of_a_pruned_one(pruning) -> None:
    network = network_with_doubles(pruning)
    pictures = torch.randn(4, INPUTS, 12, 16)
    pruning.pruned(network, pictures, 0.6)
    other = network_with_doubles(pruning)
    pruning.shaped_for(other, network.state_dict()).load_state_dict(network.state_dict())
    assert torch.equal(other.eval()(pictures), network(pictures))
