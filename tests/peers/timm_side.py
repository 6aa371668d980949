"""timm's side of tests/peers/weights.

write MODEL                 random weights with calibrated statistics, three images, timm's probabilities
compare A.json B.json       largest differences of two files of probabilities, as `predict --json` has them
same MODEL FILE...          whether each file loads strictly and holds what MODEL.pth holds
"""
import json
import sys

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]))
IMAGES = [f"image{i}.png" for i in range(3)]


def write(name):
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    pixels = []
    for path in IMAGES:
        coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        image = coarse.resize((299, 299), Image.BICUBIC)
        image.save(path)
        pixels.append(np.asarray(image))
    x = (torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() - MEAN) / STD
    net = timm.create_model(name, pretrained=False, drop_rate=0.0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the statistics of what it has seen
            torch.nn.init.uniform_(module.weight, 0.75, 1.25)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    with torch.no_grad():
        net.train()(x)
        net.eval()
        p = net(x).softmax(1)
    state = net.state_dict()
    torch.save(state, f"{name}.pth")
    save_file({k: v.contiguous() for k, v in state.items()}, f"{name}.safetensors", metadata={"format": "pt"})
    with open(f"{name}.timm.json", "w") as out:
        for row in p:
            guesses = [{"class": c, "probability": q} for c, q in enumerate(row.tolist())]
            out.write(json.dumps({"guesses": guesses}) + "\n")


def table(path):
    rows = []
    for line in open(path):
        guesses = sorted(json.loads(line)["guesses"], key=lambda guess: guess["class"])
        rows.append([guess["probability"] for guess in guesses])
    return np.array(rows)


def compare(a, b):
    a, b = table(a), table(b)
    assert a.shape == b.shape == (len(IMAGES), 1000), (a.shape, b.shape)
    assert (a.argmax(1) == b.argmax(1)).all(), "the first guesses differ"
    apart = np.abs(np.log(a) - np.log(b)).max()
    print(f"   log-probabilities: at most {apart:.1e} apart, of a spread of {np.log(a).std():.2f}")
    assert apart < 5e-3


def same(name, *files):
    expected = torch.load(f"{name}.pth", weights_only=True)
    for path in files:
        state = load_file(path) if path.endswith(".safetensors") else torch.load(path, weights_only=True)
        # torch asks for its counters only where a state dict says which version it is of.
        timm.create_model(name, pretrained=False).load_state_dict(state, strict=True)
        for key, tensor in expected.items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(state.pop(key), tensor), f"{path}: {key}"
        assert not state, f"{path}: {list(state)}"
        print(f"   {path}: loads strictly, every bit the same")


{"write": write, "compare": compare, "same": same}[sys.argv[1]](*sys.argv[2:])
