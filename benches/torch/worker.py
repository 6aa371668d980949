"""timm's Inception-v4 in eager PyTorch, a step at a time on demand: the counterpart of the example
`step_speed` of crates/trainer, with the same words on stdin and the same answers.

usage: worker.py nchw|channels_last[_bf16][_compiled|_traced] DEVICE BATCH SIZE THREADS

bf16 is torch.autocast, compiled torch.compile; traced is torch.compile that ends before the compiler, which a CPU takes
minutes for. With a number behind it a word is done so often, the device is waited for
once, and the answer is the mean. `memory` answers with the GPU's peak where DEVICE is a GPU. Before the first word nothing
is built and no device touched, so that a process can be started ahead of its turn.
"""

import itertools
import sys
import time

import timm
import torch


def main() -> None:
    layout, device, batch, size, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    first = sys.stdin.readline()
    if not first:
        return
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    on_gpu = device.startswith("cuda")
    memory = torch.contiguous_format if layout == "nchw" else torch.channels_last
    autocast = torch.autocast("cuda" if on_gpu else "cpu", torch.bfloat16, enabled="bf16" in layout)
    model = timm.create_model("inception_v4", num_classes=1000, drop_rate=0.2).to(device, memory_format=memory)
    backends = {"compiled": "inductor", "traced": "aot_eager"}
    backend = backends.get(layout.rpartition("_")[2])
    network = torch.compile(model, backend=backend) if backend else model
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    if on_gpu:
        pixels = pixels.pin_memory()  # as a loader would, and as ours is
    labels = torch.arange(batch, device=device)

    def images():
        moved = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        return ((moved - 127.5) / 64.0).contiguous(memory_format=memory)

    for line in itertools.chain([first], sys.stdin):
        word, _, times = line.strip().partition(" ")
        times = int(times or 1)
        began = time.perf_counter()
        if word == "step":
            model.train()
            for _ in range(times):
                optimizer.zero_grad(set_to_none=True)
                with autocast:
                    loss = criterion(network(images()), labels)
                loss.backward()
                optimizer.step()
            if on_gpu:
                torch.cuda.synchronize()
        elif word == "forward":
            model.eval()
            with torch.inference_mode(), autocast:
                for _ in range(times):
                    logits = network(images())
                logits.tolist()
        elif word == "memory":
            if on_gpu:
                print(torch.cuda.max_memory_reserved() >> 20, flush=True)
            else:
                with open("/proc/self/status") as status:
                    peak = next(line for line in status if line.startswith("VmHWM:"))
                print(int(peak.split()[1]) // 1024, flush=True)
            continue
        else:
            sys.exit(f"'{word}' is not one of step, forward, memory")
        print(f"{(time.perf_counter() - began) * 1e3 / times:.3f}", flush=True)


if __name__ == "__main__":
    main()
