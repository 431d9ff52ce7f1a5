"""OFT against its definition: an orthogonal, block-diagonal rotation of each layer's inputs."""

from __future__ import annotations

import pytest
import torch
from conftest import Train, World
from test_failures import failed
from test_variants import LAYER, adapter_of, attached, base_of, disturbed, layer_of, merged_weight
from variants import BLOCK


def test_the_rotation_is_orthogonal_and_block_diagonal(world: World) -> None:
    layer = layer_of(disturbed(attached(world, "oft")))
    rotation = layer.get_delta_weight("default").detach()
    assert rotation.shape == (128, 128)
    assert (rotation - torch.eye(128)).abs().max() > 0.1
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(128), atol=1e-5, rtol=0)
    blocks = torch.block_diag(*(torch.ones(BLOCK, BLOCK) for _ in range(128 // BLOCK)))
    assert torch.equal(rotation * blocks, rotation)


def test_it_rotates_the_inputs_and_so_keeps_the_norm_of_each_outputs_weights(world: World) -> None:
    model = disturbed(attached(world, "oft"))
    layer = layer_of(model)
    weight = base_of(world).get_submodule(LAYER).weight
    rotation = layer.get_delta_weight("default").detach()
    inputs = torch.randn(3, 128)
    torch.testing.assert_close(layer(inputs), inputs @ rotation @ weight.T, atol=1e-5, rtol=1e-5)
    merged = merged_weight(model)
    torch.testing.assert_close(merged, weight @ rotation.T, atol=1e-5, rtol=0)
    torch.testing.assert_close(merged.norm(dim=1), weight.norm(dim=1), atol=1e-5, rtol=0)


def test_dropout_leaves_whole_blocks_unrotated_in_training_only(world: World) -> None:
    torch.manual_seed(1)
    model = disturbed(adapter_of("oft", dropout=0.5).attach(base_of(world), 21))
    rotation = layer_of(model).oft_R["default"]
    full = rotation.eval()(torch.eye(128)).detach()
    torch.manual_seed(3)
    dropped = rotation.train()(torch.eye(128)).detach()
    blocks = [slice(at, at + BLOCK) for at in range(0, 128, BLOCK)]
    unrotated = [block for block in blocks if torch.equal(dropped[block, block], torch.eye(BLOCK))]
    assert 0 < len(unrotated) < len(blocks)
    for block in blocks:
        if block not in unrotated:
            torch.testing.assert_close(dropped[block, block], full[block, block])


def test_the_rank_is_the_number_of_blocks(world: World) -> None:
    model = adapter_of("oft", oft_rank=4).attach(base_of(world), 21)
    assert layer_of(model).oft_R["default"].weight.shape == (4, 32 * 31 // 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"oft_block_size": 24}, "oft_block_size: 24 does not divide the 64 inputs of model.layers.0.self_attn.q_proj"),
        ({"oft_rank": 5}, "oft_rank: 5 does not divide the 64 inputs of model.layers.0.self_attn.q_proj"),
    ],
)
def test_what_does_not_divide_is_refused(train: Train, options: dict[str, int], message: str) -> None:
    changes = {f"adapter__{name}": value for name, value in options.items()}
    event = failed(train(status="failed", adapter__type="oft", **changes))
    assert event["class"] == "data"
    assert message in event["message"]
