"""UGCN against the paper's numbers and against slow, plain statements of its parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lifter import joints
from lifter.graph import hops_to_root, partition
from lifter.ugcn import UGCN, GraphConv, UGCNSettings, upsample


def small(**changes: object) -> UGCN:
    torch.manual_seed(0)
    return UGCN(UGCNSettings(widths=(4, 4, 8, 8, 8), **changes)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 1_637_482),
        ({"residual": False}, 1_544_554),
        ({"edge_importance": False}, 1_622_743),
        ({"merging": False}, 1_616_177),
        ({"spatial_graph": False}, 1_269_192),
        ({"widths": (32, 64, 128, 256, 512)}, 6_480_122),
    ],
)
def test_parameter_count_is_that_of_figure_4(changes: dict, parameters: int) -> None:
    assert sum(p.numel() for p in UGCN(UGCNSettings(**changes)).parameters()) == parameters


def test_partition_tells_parent_from_child_far_from_the_root() -> None:
    adjacency = partition(joints.PARENTS)
    assert [int((subset > 0).sum()) for subset in adjacency] == [17, 16, 16]
    hops = hops_to_root(joints.PARENTS)
    assert hops[3] == 3 and hops[13] == 5
    for joint, parent in enumerate(joints.PARENTS):
        if parent >= 0:  # a parent is nearer to the root: it flows into its child through subset 2, the child back by 1
            assert adjacency[2, parent, joint] == 1
            assert adjacency[1, joint, parent] > 0
    assert adjacency[1, [9, 11, 14], 8] == pytest.approx(1 / 3)  # neck and both shoulders into the thorax


def test_graph_convolution_equals_its_sum() -> None:
    torch.manual_seed(1)
    layer = GraphConv(3, 5, torch.from_numpy(partition(joints.PARENTS)), edge_importance=True)
    torch.nn.init.uniform_(layer.edge_importance)
    x = torch.randn(2, 3, 4, 17)
    weight = layer.conv.weight.view(3, 5, 3)
    bias = layer.conv.bias.view(3, 5)
    wanted = torch.zeros(2, 5, 4, 17)
    for k in range(3):
        for v in range(17):
            mixed = torch.einsum("oc,nct->not", weight[k], x[..., v]) + bias[k, None, :, None]
            for w in range(17):
                wanted[..., w] += mixed * layer.adjacency[k, v, w] * layer.edge_importance[k, v, w]
    torch.testing.assert_close(layer(x), wanted)


@pytest.mark.parametrize("frames", [1, 2, 5, 16, 17, 50, 95, 96, 97, 111, 243])
def test_any_length_with_the_root_at_the_origin(frames: int) -> None:
    lifted = small()(torch.randn(2, frames, 17, 2))
    assert lifted.shape == (2, frames, 17, 3)
    assert lifted[:, :, 0].abs().max() == 0


def test_upsampling_repeats_frame_t_over_f() -> None:
    x = torch.arange(3.0).view(1, 1, 3, 1)
    assert upsample(x, 5, 2).flatten().tolist() == [0, 0, 1, 1, 2]


def reach(pairs: int) -> int:
    """Frames to one side of the longest way through Figure 4: 2 a block, times the frames that one step of it spans."""
    span = [2 ** min(level, pairs) for level in range(5)]  # at full, 1/2, ... 1/16 rate, with all pairs
    down = 2 * span[0] + sum(2 * span[level] + 2 * span[level + 1] for level in range(4))
    # A block that goes up works at the rate it comes from; a merge block at that of the features it takes.
    up = [2 * span[level] for level in (4, 3, 2, 1)]
    ways = [sum(up), *(sum(up[: i + 1]) + 2 * span[level] for i, level in enumerate((4, 3, 2)))]
    return down + max(ways) + 2 * span[0]


@pytest.mark.parametrize(("pairs", "frames"), [(0, 28), (1, 50), (2, 86), (3, 126), (4, 158)])
def test_receptive_field_grows_with_the_pairs(pairs: int, frames: int) -> None:
    """Found by gradients, for frames at every place on the coarsest grid.

    Nearest upsampling looks up to 2^pairs - 1 frames further back. With all four pairs every frame of a window of
    96 sees all of it. All weights are positive, so that nothing that is connected is without a gradient.
    """
    model = UGCN(UGCNSettings(widths=(2, 2, 2, 2, 2), pairs=pairs)).double().eval()
    for name, parameter in model.named_parameters():
        torch.nn.init.constant_(parameter, 0.3 if name.endswith("weight") else 1.0)
    heads: list[torch.Tensor] = []
    model.head.register_forward_hook(lambda module, given, made: heads.append(made))  # before the root is subtracted
    x = torch.rand(1, 400, 17, 2, dtype=torch.float64, requires_grad=True)
    model(x)
    seen = []
    for frame in range(200, 216):
        (gradient,) = torch.autograd.grad(heads[0][0, :, frame].sum(), x, retain_graph=True)
        seen.append(gradient.abs().sum(dim=(0, 2, 3)).nonzero().flatten() - frame)
    assert reach(pairs) == frames
    assert max(int(each.max()) for each in seen) == frames
    assert min(int(each.min()) for each in seen) == -frames - (2**pairs - 1)


@pytest.mark.parametrize("pairs", [0, 1, 2, 3])
@pytest.mark.parametrize("frames", [1, 5, 16, 97])
def test_fewer_pairs_keep_depth_and_parameters(pairs: int, frames: int) -> None:
    widths = (4, 5, 6, 7, 8)  # unequal as the paper's: where the rate is kept, the shortcut of equal widths is empty
    model = UGCN(UGCNSettings(widths=widths, pairs=pairs)).eval()
    model.load_state_dict(UGCN(UGCNSettings(widths=widths)).state_dict())
    assert model(torch.randn(1, frames, 17, 2)).shape == (1, frames, 17, 3)


def test_the_outermost_pair_is_the_first_to_come_back() -> None:
    strides = [[stage[0].temporal[2].stride[0] for stage in small(pairs=pairs).down] for pairs in range(5)]
    assert strides == [[1, 1, 1, 1], [2, 1, 1, 1], [2, 2, 1, 1], [2, 2, 2, 1], [2, 2, 2, 2]]


def test_without_spatial_graph_joints_are_alone() -> None:
    model = small(spatial_graph=False)
    x = torch.randn(1, 32, 17, 2, requires_grad=True)
    (model(x)[0, 16, 5] + model(x)[0, 16, 0].detach()).sum().backward()
    touched = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten().tolist()
    assert touched == [0, 5]  # the joint, and the root it is measured from


def test_settings_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="widths"):
        UGCNSettings(widths=(1, 2))
    with pytest.raises(ValueError, match="dropout"):
        UGCNSettings(dropout=1.0)


def test_mirror_is_its_own_inverse() -> None:
    points = np.random.default_rng(0).normal(size=(4, 17, 3))
    np.testing.assert_array_equal(joints.mirror(joints.mirror(points)), points)
    assert joints.mirror(points)[0, 4, 0] == -points[0, 1, 0]
