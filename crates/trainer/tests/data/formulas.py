"""Makes formulas.json, against which the trainer's formulas are tested.

    python formulas.py torch > a.json        PyTorch (tried with 2.15), timm 1.0: optimizers, losses, clipping
    python formulas.py mindspore > b.json    MindSpore (tried with 2.10) and mindcv 0.3.0 on sys.path
    python formulas.py join a.json b.json > formulas.json
"""
import json
import sys

START = [0.5, -1.25, 2.0, 0.001, -0.3]
GRADIENTS = [
    [0.1, -0.2, 0.3, 1.5, -0.004],
    [-0.4, 0.25, 0.05, -0.7, 0.02],
    [0.33, 0.0, -0.6, 0.01, 0.5],
    [0.02, 0.9, 0.11, 0.2, -0.45],
    [-0.15, -0.35, 0.8, -0.05, 0.06],
]
RATES = [0.1, 0.08, 0.05, 0.05, 0.01]  # a learning rate for each step
DECAY = 0.01


def with_torch():
    import torch
    from timm.optim import Lamb
    from torch.nn import functional as F

    def steps(make):
        p = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
        optimizer, found = make([p]), []
        for gradient, lr in zip(GRADIENTS, RATES):
            optimizer.param_groups[0]["lr"] = lr
            p.grad = torch.tensor(gradient, dtype=torch.float64)
            optimizer.step()
            found.append(p.detach().tolist())
        return found

    o = torch.optim
    optimizers = {
        "momentum": steps(lambda p: o.SGD(p, momentum=0.9, weight_decay=DECAY)),
        "nesterov": steps(lambda p: o.SGD(p, momentum=0.9, weight_decay=DECAY, nesterov=True)),
        "adam": steps(lambda p: o.Adam(p, weight_decay=DECAY)),
        "adamw": steps(lambda p: o.AdamW(p, weight_decay=DECAY)),
        "nadam": steps(lambda p: o.NAdam(p, weight_decay=DECAY)),
        "adagrad": steps(lambda p: o.Adagrad(p, weight_decay=DECAY, initial_accumulator_value=0.1, eps=0)),
        "lamb": steps(lambda p: Lamb(p, weight_decay=DECAY, max_grad_norm=None)),
    }
    logits = [[1.5, -0.5, 0.25, 3.0], [-2.0, 0.75, 0.1, -0.3], [12.0, -9.0, 0.0, 4.0]]
    labels, others, shares = [3, 0, 1], [1, 0, 2], [0.7, 1.0, 0.25]
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    hot = lambda indices: F.one_hot(torch.tensor(indices), 4).double()
    share = torch.tensor(shares, dtype=torch.float64)[:, None]
    losses = []
    for kind in ["CE", "BCE"]:
        for smoothing in [0.0, 0.1]:
            for mixed in [False, True]:
                target = hot(labels) * share + hot(others) * (1 - share) if mixed else hot(labels)
                smooth = target * (1 - smoothing) + smoothing / 4
                if kind == "CE":
                    loss = F.cross_entropy(x, smooth)
                else:
                    loss = F.binary_cross_entropy_with_logits(x, smooth)
                (gradient,) = torch.autograd.grad(loss, x)
                losses.append(
                    {
                        "loss": kind, "smoothing": smoothing, "mixed": mixed,
                        "value": loss.item(), "gradient": gradient.tolist(),
                    }
                )
    ps = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2))]
    before = [[3.0, -4.0, 12.0], [0.5, 84.0]]
    for p, g in zip(ps, before):
        p.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(ps, 5.0)
    clip = {"before": before, "limit": 5.0, "norm": norm.item(), "after": [p.grad.tolist() for p in ps]}
    # The views of an image one after another here, of the batch in timm.
    from timm.loss import JsdCrossEntropy

    views = [[0.5, -1.0, 2.0, 0.1], [0.4, -0.2, 1.0, 0.3], [-0.6, 0.9, 1.5, -1.2],
             [3.0, 0.0, -2.0, 40.0], [1.0, 0.5, -60.0, 2.0], [0.2, 0.1, 0.0, -0.1]]
    x = torch.tensor(views, dtype=torch.float64, requires_grad=True)
    jsd = []
    for smoothing in [0.0, 0.1]:
        criterion = JsdCrossEntropy(num_splits=3, alpha=12, smoothing=smoothing)
        loss = criterion(x.reshape(2, 3, 4).transpose(0, 1).reshape(6, 4), torch.tensor([2, 0] * 3))
        (gradient,) = torch.autograd.grad(loss, x)
        jsd.append({"smoothing": smoothing, "value": loss.item(), "gradient": gradient.tolist()})

    # How many layers there are above that of a parameter, for the first parameter of each module.
    import math

    import timm
    from timm.optim import param_groups_layer_decay

    layers = {}
    for name in ["inception_v4", "inception_resnet_v2"]:
        model = timm.create_model(name)
        names = {id(p): n for n, p in model.named_parameters()}
        found, seen = {}, set()
        for group in param_groups_layer_decay(model, layer_decay=0.5):
            for p in group["params"]:
                found[names[id(p)]] = round(-math.log2(group["lr_scale"]))
        modules = lambda n: ".".join(part for part in n.split(".")[:2] if part.isdigit() or part == n.split(".")[0])
        layers[name] = {n: found[n] for n in names.values() if not (modules(n) in seen or seen.add(modules(n)))}
    return {
        "torch": torch.__version__,
        "start": START, "gradients": GRADIENTS, "rates": RATES, "weight_decay": DECAY,
        "optimizers": optimizers,
        "logits": logits, "labels": labels, "others": others, "shares": shares, "losses": losses,
        "clip": clip,
        "jsd": {"logits": views, "labels": [2, 0], "cases": jsd},
        "layers": layers,
    }


def with_mindspore():
    import mindspore as ms
    import numpy as np
    from mindcv.optim import create_optimizer
    from mindcv.scheduler import create_scheduler
    from mindspore import nn

    def steps(opt, decay=DECAY, **more):
        p = ms.Parameter(ms.Tensor(np.array(START, np.float32)), name="p.weight")
        optimizer, found = create_optimizer([p], opt, lr=RATES, weight_decay=decay, **more), []
        for gradient in GRADIENTS:
            optimizer((ms.Tensor(np.array(gradient, np.float32)),))
            found.append([float(x) for x in p.asnumpy()])
        return found

    optimizers = {}
    for name, arguments in {
        "mindspore sgd": ("sgd", {}), "mindspore momentum": ("momentum", {}),
        "mindspore adam": ("adam", {}), "mindspore adamw": ("adamw", {}),
        "lion": ("lion", {}), "mindspore nadam": ("nadam", {}),
        "rmsprop": ("rmsprop", {}), "rmsprop eps 1": ("rmsprop", {"eps": 1.0}),
        # Of sgd: MindSpore's kernel of momentum for the CPU passes over the flag (2.10).
        "mindspore nesterov": ("sgd", {"nesterov": True}),
        "mindspore adagrad": ("adagrad", {}),
    }.items():
        optimizers[name] = steps(arguments[0], **arguments[1])
    schedules = []
    for recipe in [
        {"scheduler": "constant"},
        {"scheduler": "cosine_decay", "decay_epochs": 6},
        {"scheduler": "warmup_cosine_decay", "decay_epochs": 6, "lr_epoch_stair": True},
        {"scheduler": "cosine_decay", "decay_epochs": 3, "num_cycles": 2, "cycle_decay": 0.5},
        {"scheduler": "step_decay", "decay_epochs": 2, "decay_rate": 0.5},
        {"scheduler": "multi_step_decay", "milestones": [2, 5], "decay_rate": 0.1},
        {"scheduler": "exponential_decay", "decay_rate": 0.9},
        {"scheduler": "exponential_decay", "decay_rate": 0.9, "lr_epoch_stair": True},
        {"scheduler": "polynomial_decay", "decay_rate": 2.0},
        {"scheduler": "polynomial_decay", "decay_rate": 0.5, "lr_epoch_stair": True},
        {"scheduler": "one_cycle", "warmup_epochs": 0},
        {"scheduler": "cyclic", "warmup_epochs": 0, "num_cycles": 2},
    ]:
        full = {"lr": 0.4, "min_lr": 0.001, "warmup_epochs": 2, "warmup_factor": 0.1, "decay_epochs": 6,
                "decay_rate": 0.9, **recipe}
        rates = create_scheduler(3, num_epochs=10, **full)
        full["multi_step_decay_milestones"] = full.pop("milestones", [])
        schedules.append({"recipe": full, "rates": rates})
    return {"mindspore": ms.__version__, "optimizers": optimizers, "schedules": schedules}


if __name__ == "__main__":
    if sys.argv[1] == "torch":
        print(json.dumps(with_torch()))
    elif sys.argv[1] == "mindspore":
        print(json.dumps(with_mindspore()))
    else:
        a, b = (json.load(open(path)) for path in sys.argv[2:4])
        b["optimizers"] = {**a.pop("optimizers"), **b["optimizers"]}
        rows = [f'  "{key}": {json.dumps(value)}' for key, value in {**a, **b}.items()]
        print("{\n" + ",\n".join(rows) + "\n}")
