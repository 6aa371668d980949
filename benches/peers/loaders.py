"""Other loaders on the same work as `shard bench`: one JSON line, {"loader", "img_per_s", "cpu_ms", "bytes_per_image"}.

    loaders.py NAME --data RAW --out u8|f32 --workers N --seconds S

RAW holds class folders: RAW/train/<class>/*.JPEG. The work is a random resized crop (0.08-1, 3/4-4/3) to 299 pixels,
bilinear, mirrored half of the time; f32 is normalised and CHW, u8 is bytes. mindcv-recipe adds MindCV's AutoAugment and
erasing; the *-eval loaders scale the short side to 341 and take the centre. Each library is used as its own
documentation says, with N workers. Nothing of this project is measured here.
"""

import argparse
import json
import os
import sys
import time

SIDE, RESIZED = 299, 341
MEAN = [0.485 * 255, 0.456 * 255, 0.406 * 255]
STD = [0.229 * 255, 0.224 * 255, 0.225 * 255]


def dali(args):
    from nvidia.dali import fn, pipeline_def, types

    @pipeline_def(batch_size=args.batch, num_threads=args.workers, device_id=None, seed=1)
    def pipeline():
        files, labels = fn.readers.file(
            file_root=os.path.join(args.data, "train"), random_shuffle=True, initial_fill=1024
        )
        images = fn.decoders.image_random_crop(
            files, device="cpu", output_type=types.RGB, random_area=[0.08, 1.0], random_aspect_ratio=[3 / 4, 4 / 3]
        )
        # Not antialiased: cheaper than what it is compared with.
        images = fn.resize(images, size=[SIDE, SIDE], interp_type=types.INTERP_LINEAR, antialias=False)
        mirror = fn.random.coin_flip(probability=0.5)
        if args.out == "f32":
            images = fn.crop_mirror_normalize(
                images, mirror=mirror, dtype=types.FLOAT, output_layout="CHW", mean=MEAN, std=STD
            )
        else:
            images = fn.flip(images, horizontal=mirror)
        return images, labels

    pipe = pipeline()
    pipe.build()
    while True:
        yield len(pipe.run()[0].as_array())


def mindspore(args, recipe=False):
    import mindspore as ms
    from mindcv.data import create_dataset, create_loader, create_transforms

    ms.set_device("CPU")
    options = {"auto_augment": "autoaug", "re_prob": 0.25} if recipe else {"color_jitter": None}
    transforms = create_transforms(
        "imagenet", is_training=True, image_resize=SIDE, scale=(0.08, 1.0), ratio=(0.75, 1.333), hflip=0.5, **options
    )
    if args.out == "u8" and not recipe:
        transforms = transforms[:2]  # without normalisation and the change of layout
    dataset = create_dataset(
        "imagenet", root=args.data, split="train", shuffle=True, num_parallel_workers=args.workers
    )
    loader = create_loader(
        dataset, args.batch, drop_remainder=True, is_training=True, num_classes=1000,
        transform=transforms, num_parallel_workers=args.workers,
    )
    while True:
        for images, _ in loader.create_tuple_iterator(output_numpy=True):
            yield len(images)


def torchvision(args, evaluate=False):
    import torch
    from torchvision import datasets, transforms as T

    torch.set_num_threads(1)
    if evaluate:
        steps = [T.Resize(RESIZED), T.CenterCrop(SIDE)]
    else:
        steps = [T.RandomResizedCrop(SIDE), T.RandomHorizontalFlip()]
    if args.out == "f32":
        steps += [T.ToTensor(), T.Normalize([m / 255 for m in MEAN], [s / 255 for s in STD])]
    else:
        steps += [T.PILToTensor()]
    dataset = datasets.ImageFolder(os.path.join(args.data, "train"), T.Compose(steps))
    loader = torch.utils.data.DataLoader(
        dataset, args.batch, shuffle=not evaluate, num_workers=args.workers, drop_last=True,
        persistent_workers=True, prefetch_factor=4,
    )
    while True:
        for images, _ in loader:
            yield len(images)


def ffcv(args, mode):
    """Images at most 512 pixels long, uncompressed or at quality 90, written once beside RAW."""
    import numpy
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.basics import IntDecoder
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import NormalizeImage, RandomHorizontalFlip, Squeeze, ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter
    from torchvision import datasets

    path = f"{args.data}.{mode}.beton"
    if not os.path.exists(path):
        images = RGBImageField(max_resolution=512, jpeg_quality=90, write_mode=mode)
        writer = DatasetWriter(path + ".tmp", {"image": images, "label": IntField()}, num_workers=args.workers)
        writer.from_indexed_dataset(datasets.ImageFolder(os.path.join(args.data, "train")), shuffle_indices=True)
        os.rename(path + ".tmp", path)
    images = [RandomResizedCropRGBImageDecoder((SIDE, SIDE)), RandomHorizontalFlip()]
    if args.out == "f32":
        images += [NormalizeImage(numpy.array(MEAN), numpy.array(STD), numpy.float32), ToTensor()]
        images += [ToTorchImage(channels_last=False)]
    else:
        images += [ToTensor()]
    loader = Loader(
        path, batch_size=args.batch, num_workers=args.workers, order=OrderOption.RANDOM, os_cache=True, drop_last=True,
        pipelines={"image": images, "label": [IntDecoder(), ToTensor(), Squeeze()]},
    )
    args.stored = os.path.getsize(path)
    while True:
        for batch in loader:
            yield len(batch[0])


LOADERS = {
    "ffcv-raw": lambda args: ffcv(args, "raw"),
    "ffcv-jpg": lambda args: ffcv(args, "jpg"),
    "dali": dali,
    "mindspore": mindspore,
    "mindcv-recipe": lambda args: mindspore(args, recipe=True),
    "torchvision": torchvision,
    "torchvision-eval": lambda args: torchvision(args, evaluate=True),
}


def cpu_seconds():
    """User and system time of this process and all below it, which still run."""
    ticks, found = 0, [os.getpid()]
    while found:
        pid = found.pop()
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    found += [int(child) for child in file.read().split()]
        except OSError:
            pass  # it ended meanwhile
    return ticks / os.sysconf("SC_CLK_TCK")


def stored_bytes(args):
    """Of the files that were read, and the number of images."""
    folder = os.path.join(args.data, "train")
    files = [os.path.join(folder, name, file) for name in os.listdir(folder) for file in os.listdir(os.path.join(folder, name))]
    return getattr(args, "stored", None) or sum(map(os.path.getsize, files)), len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loader", choices=LOADERS)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", choices=["u8", "f32"], default="u8")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--warmup", type=float, default=2)
    args = parser.parse_args()

    batches = LOADERS[args.loader](args)
    next(batches)
    until = time.perf_counter() + args.warmup
    while time.perf_counter() < until:
        next(batches)
    images, cpu, start = 0, cpu_seconds(), time.perf_counter()
    while time.perf_counter() < start + args.seconds:
        images += next(batches)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    stored, count = stored_bytes(args)
    row = {"loader": args.loader, "img_per_s": images / wall, "cpu_ms": 1000 * cpu / images}
    print(json.dumps(row | {"bytes_per_image": stored / count}))
    sys.stdout.flush()
    os._exit(0)  # worker processes of some loaders outlive a polite end


if __name__ == "__main__":
    main()
