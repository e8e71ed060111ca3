"""Writes losses.json with PyTorch (formulas written out where it has no such loss), in double precision on the CPU.

    python losses.py            # needs torch; made with 2.15

A case is a loss by name, its arguments, its value and its gradients in the arguments that have one.
"""

import json
import math
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(2)


def dump(tensor):
    tensor = tensor.detach()
    kind = "bool" if tensor.dtype == torch.bool else "i64" if tensor.dtype == torch.int64 else "float"
    return {"shape": list(tensor.shape), "values": tensor.to(torch.float64).flatten().tolist(), "kind": kind}


def case(name, function, *arguments):
    arguments = [a.detach().requires_grad_(a.is_floating_point()) for a in arguments]
    loss = function(*arguments)
    weights = torch.arange(loss.numel()).reshape(loss.shape) * 0.37 + 1.0
    (loss * weights).sum().backward()
    gradients = [None if a.grad is None else dump(a.grad) for a in arguments]
    return {"name": name, "arguments": [dump(a) for a in arguments], "loss": dump(loss), "gradients": gradients}


def giou(p, t, kind):
    x0, y0 = torch.maximum(p[..., 0], t[..., 0]), torch.maximum(p[..., 1], t[..., 1])
    x1, y1 = torch.minimum(p[..., 2], t[..., 2]), torch.minimum(p[..., 3], t[..., 3])
    inter = (x1 - x0).clamp(min=0) * (y1 - y0).clamp(min=0)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union = area(p) + area(t) - inter
    iou = inter / (union + 1e-7)
    cw = torch.maximum(p[..., 2], t[..., 2]) - torch.minimum(p[..., 0], t[..., 0])
    ch = torch.maximum(p[..., 3], t[..., 3]) - torch.minimum(p[..., 1], t[..., 1])
    if kind == "none":
        return (1 - iou).mean()
    if kind == "giou":
        return (1 - iou + (cw * ch - union) / (cw * ch + 1e-7)).mean()
    centre = lambda b: ((b[..., 0] + b[..., 2]) / 2, (b[..., 1] + b[..., 3]) / 2)
    (px, py), (tx, ty) = centre(p), centre(t)
    distance = ((px - tx) ** 2 + (py - ty) ** 2) / (cw**2 + ch**2 + 1e-7)
    if kind == "diou":
        return (1 - iou + distance).mean()
    ratio = lambda b: torch.atan((b[..., 2] - b[..., 0]) / (b[..., 3] - b[..., 1]))
    v = 4 / math.pi**2 * (ratio(t) - ratio(p)) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-7)
    return (1 - iou + distance + alpha * v).mean()


def focal(x, t, alpha, gamma):
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    pt = p * t + (1 - p) * (1 - t)
    return ((alpha * t + (1 - alpha) * (1 - t)) * ce * (1 - pt) ** gamma).mean()


def mixture(logits, mean, log_scale, target):
    weights = torch.distributions.Categorical(logits=logits)
    parts = torch.distributions.Normal(mean, log_scale.exp())
    if mean.dim() > logits.dim():
        parts = torch.distributions.Independent(parts, 1)
    return -torch.distributions.MixtureSameFamily(weights, parts).log_prob(target).mean()


def info_nce(q, k, temperature, both):
    logits = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).T / temperature
    labels = torch.arange(len(q))
    loss = F.cross_entropy(logits, labels)
    return (loss + F.cross_entropy(logits.T, labels)) / 2 if both else loss


def jensen_shannon(a, b):
    p, q = torch.softmax(a, -1), torch.softmax(b, -1)
    m = (p + q) / 2
    return ((p * (p / m).log()).sum(-1) + (q * (q / m).log()).sum(-1)).mean() / 2


def dice(p, y):
    axes = tuple(range(2, p.dim()))
    return (1 - (2 * (p * y).sum(axes) + 1) / (p.sum(axes) + y.sum(axes) + 1)).mean()


def jaccard(p, y):
    axes = tuple(range(2, p.dim()))
    inter = (p * y).sum(axes)
    return (1 - (inter + 1) / (p.sum(axes) + y.sum(axes) - inter + 1)).mean()


def tversky(p, y):
    axes = tuple(range(2, p.dim()))
    hits = (p * y).sum(axes)
    return 1 - (hits + 2) / (hits + 0.3 * (p * (1 - y)).sum(axes) + 0.7 * ((1 - p) * y).sum(axes) + 2)


def gradient_penalty(x, w):
    # A critic sum(tanh(x w)), written out so that its penalty can be differentiated in w.
    x = x.detach().requires_grad_()
    scores = torch.tanh(x @ w).sum(-1)
    (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return ((slope.norm(dim=-1) - 1) ** 2).mean()


def zero_centred_penalty(x, w):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(torch.tanh(x @ w).sum(), x, create_graph=True)
    return (slope**2).sum(-1).mean()


logits, labels = torch.randn(6, 5) * 3, torch.tensor([0, 4, 2, 2, 1, 3])
holes = torch.tensor([0, -7, 2, 2, -7, 3])
pixels, classes = torch.randn(2, 3, 4), torch.randint(4, (2, 3))
class_weights = torch.rand(5) + 0.3
soft = torch.softmax(torch.randn(6, 5), -1)
numbers, others = torch.randn(4, 3), torch.randn(4, 3)
chances, wide = torch.rand(4, 3), torch.randn(4, 3) * 20
yes = torch.randint(2, (4, 3)).to(torch.float64)
corner, size = torch.rand(7, 2), torch.rand(7, 2) + 0.1
boxes = torch.cat([corner, corner + size], -1)
near = boxes + torch.randn(7, 4) * 0.05
far = boxes + torch.tensor([3.0, 1.0, 3.0, 1.0])
a, b, c = torch.randn(5, 4), torch.randn(5, 4), torch.randn(5, 4)
together = torch.tensor([True, False, True, False, False])
sign = together.to(torch.float64) * 2 - 1
masks, guesses = torch.randint(2, (2, 3, 4, 4)).to(torch.float64), torch.rand(2, 3, 4, 4)
scores, fakes = torch.randn(6), torch.randn(6)
bce = F.binary_cross_entropy_with_logits
cases = [
    case("cross_entropy", F.cross_entropy, logits, labels),
    case("cross_entropy", lambda p, t: F.cross_entropy(p.reshape(-1, 4), t.reshape(-1)), pixels, classes),
    case("smoothed", lambda p, t: F.cross_entropy(p, t, label_smoothing=0.1), logits, labels),
    case("ignoring", lambda p, t: F.cross_entropy(p, t, ignore_index=-7, label_smoothing=0.2), logits, holes),
    case(
        "weighted",
        lambda p, t, w: F.cross_entropy(p, t, weight=w.detach(), ignore_index=-7, label_smoothing=0.2),
        logits, holes, class_weights,
    ),
    case("summed", lambda p, t: F.cross_entropy(p, t, reduction="sum"), logits, labels),
    case("unreduced", lambda p, t: F.cross_entropy(p, t, ignore_index=-7, reduction="none"), logits, holes),
    case("soft", lambda p, t: F.cross_entropy(p, t.detach(), label_smoothing=0.1), logits, soft),
    case("binary_cross_entropy", lambda p, t: F.binary_cross_entropy(p, t.detach()), torch.rand(4, 3) * 0.98 + 0.01, chances),
    case("binary_cross_entropy_with_logits", lambda p, t: bce(p, t.detach()), wide, chances),
    case("positive_weight", lambda p, t, w: bce(p, t.detach(), pos_weight=w.detach()), wide, yes, torch.tensor([0.5, 2.0, 3.0])),
    case("focal", lambda p, t: focal(p, t.detach(), 0.25, 2.0), numbers * 2, yes),
    case("hinge", lambda p, t: torch.clamp(1 - p * (2 * t.detach() - 1), min=0).mean(), numbers, yes),
    case("multi_class_hinge", lambda p, t: F.multi_margin_loss(p, t, margin=0.7), logits, labels),
    case("mean_squared_error", F.mse_loss, numbers, others),
    case("mean_absolute_error", F.l1_loss, numbers, others),
    case("huber", lambda p, t: F.huber_loss(p, t, delta=0.6), numbers, others),
    case("smooth_l1", lambda p, t: F.smooth_l1_loss(p, t, beta=0.6), numbers, others),
    case("log_cosh", lambda p, t: torch.log(torch.cosh(p - t)).mean(), numbers, others),
    case("pinball", lambda p, t: torch.maximum(0.3 * (t - p), -0.7 * (t - p)).mean(), numbers, others),
    case(
        "gaussian",
        lambda m, v, t: F.gaussian_nll_loss(m, t, v.exp(), full=True),
        numbers, torch.randn(4, 3), others,
    ),
    case("mixture", mixture, torch.randn(5, 3), torch.randn(5, 3), torch.randn(5, 3), torch.randn(5)),
    case("mixture", mixture, torch.randn(5, 3), torch.randn(5, 3, 2), torch.randn(5, 3, 2), torch.randn(5, 2)),
    case(
        "kl_divergence",
        lambda q, p: F.kl_div(torch.log_softmax(q, -1), p.detach(), reduction="batchmean"),
        logits, torch.cat([soft[:5], torch.eye(5)[:1]]),
    ),
    case("jensen_shannon", jensen_shannon, logits, torch.randn(6, 5)),
    case(
        "kl_to_standard_normal",
        lambda m, v: -0.5 * (1 + v - m**2 - v.exp()).sum(-1).mean(),
        numbers, others,
    ),
    case("dice", lambda p, y: dice(p, y.detach()), guesses, masks),
    case("jaccard", lambda p, y: jaccard(p, y.detach()), guesses, masks),
    case("tversky", lambda p, y: tversky(p, y.detach()), guesses, masks),
    *[case(f"box_{kind}", lambda p, t, kind=kind: giou(p, t.detach(), kind), other, boxes)
      for kind in ("none", "giou", "diou", "ciou") for other in (near, far)],
    case("cosine_similarity", F.cosine_similarity, a, b),
    case(
        "cosine_embedding",
        lambda x, y, t: F.cosine_embedding_loss(x, y, t.to(torch.float64) * 2 - 1, margin=-0.2),
        a, b, together,
    ),
    case(
        "contrastive_pairs",
        lambda x, y, t: torch.where(t, (x - y).norm(dim=-1) ** 2, (3 - (x - y).norm(dim=-1)).clamp(min=0) ** 2).mean(),
        a, b, together,
    ),
    case("triplet", lambda x, y, z: F.triplet_margin_loss(x, y, z, margin=0.5, eps=0), a, b, c),
    case("info_nce", lambda q, k, t: info_nce(q, k, t, False), a, b, torch.tensor(0.2)),
    case("clip", lambda q, k, t: info_nce(q, k, t, True), a, b, torch.tensor(0.2)),
    case("critic_logistic", lambda r, f: bce(r, torch.ones(6)) + bce(f, torch.zeros(6)), scores, fakes),
    case("generator_logistic", lambda f: bce(f, torch.ones(6)), fakes),
    case("critic_hinge", lambda r, f: torch.relu(1 - r).mean() + torch.relu(1 + f).mean(), scores, fakes),
    case("critic_least_squares", lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, scores, fakes),
    case("generator_least_squares", lambda f: ((f - 1) ** 2).mean() / 2, fakes),
    case("critic_wasserstein", lambda r, f: f.mean() - r.mean(), scores, fakes),
    case("generator_wasserstein", lambda f: -f.mean(), fakes),
    case("gradient_penalty", lambda x, w: gradient_penalty(x, w), torch.randn(5, 3), torch.randn(3, 4)),
    case("zero_centred_penalty", lambda x, w: zero_centred_penalty(x, w), torch.randn(5, 3), torch.randn(3, 4)),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
