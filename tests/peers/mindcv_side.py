"""MindCV's side of tests/peers/weights: loads a .ckpt, writes it again with a checksum, and writes its
probabilities of the images.  mindcv_side.py IN.ckpt OUT.ckpt PROBABILITIES.json"""
import json
import sys

import mindspore as ms
import numpy as np
from mindcv.models import create_model
from PIL import Image

source, copy, probabilities = sys.argv[1:]
ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
net = create_model("inception_v4", num_classes=1000)
stored = ms.load_checkpoint(source, crc_check=True)
missing, unused = ms.load_param_into_net(net, stored, strict_load=True)
assert not missing and not unused, (missing, unused)
print(f"   {source}: {len(stored)} tensors, all of MindCV's network")
net.set_train(False)
mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
with open(probabilities, "w") as out:
    for i in range(3):
        pixels = np.asarray(Image.open(f"image{i}.png").convert("RGB"), np.float32)
        x = ms.Tensor(((pixels - mean) / std).transpose(2, 0, 1)[None])
        p = ms.ops.softmax(net(x), axis=1).asnumpy()[0].astype(float)
        guesses = [{"class": c, "probability": q} for c, q in enumerate(p.tolist())]
        out.write(json.dumps({"guesses": guesses}) + "\n")
ms.save_checkpoint(net, copy, crc_check=True)
