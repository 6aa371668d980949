"""How far a training step in half precision is from f32 in PyTorch: what tests hold ours to.

usage: half.py >crates/inception/tests/fixtures/half.json

timm's Inception-v4, of one block of each kind and a quarter of the width, with weights that are a function of tensor name
and element index, under torch.autocast on the CPU. For each input: the norm of the logits' difference to f32's by f32's
norm, and the cosine of all gradients with f32's; of the first input f32's logits too. The test with the same weights
and inputs is crates/inception/tests/half.rs.
"""

import json
import math

import numpy as np
import timm
import torch
from torch import nn

INPUTS = 2
SHAPE = (8, 3, 107, 107)


def uniform(name: str, count: int) -> np.ndarray:
    """FNV-1a of the name, then splitmix64 of the index; in [-1, 1)."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    x = np.uint64(state ^ 0x1602072610000000) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0


def narrow(model: nn.Module, width: float) -> None:
    """Scales every number of channels; PyTorch works out the inputs' at the first forward pass."""
    channels = 0
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d):
                channels = max(8, round(child.out_channels * width / 8) * 8)
                lazy = nn.LazyConv2d(channels, child.kernel_size, child.stride, child.padding, bias=False)
                setattr(module, name, lazy)
            elif isinstance(child, nn.BatchNorm2d):
                setattr(module, name, type(child)(channels, eps=child.eps))  # with its ReLU
            elif isinstance(child, nn.Linear):
                setattr(module, name, nn.LazyLinear(child.out_features))


def network() -> nn.Module:
    model = timm.create_model("inception_v4", num_classes=10, drop_rate=0.0)
    of = list(model.features)
    model.features = nn.Sequential(*of[:7], *of[10:12], *of[18:20])
    narrow(model, 0.25)
    model(torch.zeros(2, *SHAPE[1:]))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                bound = math.sqrt(6.0 / parameter[0].numel())
                values = uniform(name, parameter.numel()) * bound
                parameter.copy_(torch.from_numpy(values.astype(np.float32)).view_as(parameter))
            else:
                parameter.fill_(1.0 if name.endswith("bn.weight") else 0.0)
    return model.train().to(memory_format=torch.channels_last)


def step(model: nn.Module, images: torch.Tensor, dtype: torch.dtype | None) -> tuple[torch.Tensor, torch.Tensor]:
    model.zero_grad()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        logits = model(images)
    logits = logits.float()
    nn.functional.cross_entropy(logits, torch.arange(len(images))).backward()
    gradients = [parameter.grad.double().flatten() for parameter in model.parameters()]
    return logits.detach().double(), torch.cat(gradients)


def main() -> None:
    torch.set_num_threads(2)
    model = network()
    found = {"f32_logits": None, "bf16": [], "fp16": []}
    for number in range(INPUTS):
        values = 2.0 * uniform(f"input.{number}", math.prod(SHAPE))
        images = torch.from_numpy(values.astype(np.float32)).view(SHAPE).contiguous(memory_format=torch.channels_last)
        logits, gradients = step(model, images, None)
        found["f32_logits"] = found["f32_logits"] or logits.flatten().tolist()
        for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
            half, by = step(model, images, dtype)
            off = ((half - logits).norm() / logits.norm()).item()
            cosine = (by @ gradients / by.norm() / gradients.norm()).item()
            found[name].append({"logits_off": round(off, 5), "cosine": round(cosine, 5)})
    print(json.dumps({"torch": torch.__version__, **found}))


if __name__ == "__main__":
    main()
