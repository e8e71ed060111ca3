#!/usr/bin/env python3
"""PyTorch side of the peer benchmark. See README.md for the workload definitions.

  python torch_bench.py [--only a,b*] [--modes eager,eager_fused,compile] [--threads 2] [--json out.json]

Prints `name[mode] median_ms p10 p90 [extra]` per workload.
"""
import argparse, fnmatch, json, math, os, platform, sys, time

ap = argparse.ArgumentParser()
ap.add_argument("--only", default="*", help="comma separated names or globs")
ap.add_argument("--skip", default="", help="comma separated names or globs")
ap.add_argument("--modes", default="eager,compile", help="eager | eager_fused (fused=True optimizer) | compile (fused too) | autocast (fused too, forward in bfloat16)")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--json", default=None)
ap.add_argument("--warmup", type=int, default=5)
ap.add_argument("--min-steps", type=int, default=20)
ap.add_argument("--min-time", type=float, default=1.0, help="keep timing at least this many seconds")
ap.add_argument("--max-time", type=float, default=10.0, help="stop timing after this many seconds")
ap.add_argument("--list", action="store_true")
ap.add_argument("--startup", action="store_true", help="only compute a 2x2 matmul and print it (see startup.py)")
args = ap.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)
os.environ["MKL_NUM_THREADS"] = str(args.threads)

import torch
if args.startup:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    print((a @ a).tolist(), flush=True)
    sys.stdin.read()  # startup.py reads the peak RSS meanwhile; use </dev/null by hand
    sys.exit(0)
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
torch.manual_seed(0)

# ---------------------------------------------------------------- harness
REG = {}


def workload(name, modes=("eager", "eager_fused", "compile", "autocast"), **meta):
    def deco(f):
        REG[name] = (f, modes, meta)
        return f
    return deco


def bench(step):
    t0 = time.perf_counter()
    step()
    first = time.perf_counter() - t0
    t0 = time.perf_counter()
    for _ in range(max(args.warmup - 1, 0)):
        step()
        if time.perf_counter() - t0 > args.max_time:
            break
    ts = []
    start = time.perf_counter()
    while True:
        t0 = time.perf_counter()
        step()
        t1 = time.perf_counter()
        ts.append(t1 - t0)
        el = t1 - start
        if (len(ts) >= args.min_steps and el >= args.min_time) or el >= args.max_time:
            break
    ts.sort()
    q = lambda p: ts[min(len(ts) - 1, int(p * len(ts)))] * 1e3
    return dict(median_ms=q(0.5), p10_ms=q(0.1), p90_ms=q(0.9), n=len(ts), first_ms=first * 1e3)


def maybe_compile(f, mode):
    return torch.compile(f) if mode == "compile" else f


def trainer(model, loss_fn, opt_cls, mode, batch, **okw):
    """loss_fn(model, *batch) -> scalar; returns a full training step."""
    model.train()
    okw = dict(okw)
    if mode != "eager":
        okw["fused"] = True
    opt = opt_cls(model.parameters(), **okw)
    lf = maybe_compile(lambda *b: loss_fn(model, *b), mode)

    def step():
        opt.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=mode == "autocast"):
            loss = lf(*batch)
        loss.backward()
        opt.step()
        return loss
    return step


def infer(model, mode, x):
    model.eval()
    f = maybe_compile(model, mode)

    def step():
        with torch.inference_mode():
            return f(x)
    return step


# ---------------------------------------------------------------- kernels
def _gemm(m, k, n, dt):
    def make(mode):
        a, b = torch.randn(m, k, dtype=torch.float32).to(dt), torch.randn(k, n).to(dt)
        return lambda: torch.mm(a, b)
    return make


for _n in (256, 512, 1024, 2048):
    workload(f"gemm_f32_{_n}", ("eager",), flops=2 * _n**3)(_gemm(_n, _n, _n, torch.float32))
workload("gemm_f32_64x784x512", ("eager",), flops=2 * 64 * 784 * 512)(_gemm(64, 784, 512, torch.float32))
for _n in (1024, 2048):
    workload(f"gemm_bf16_{_n}", ("eager",), flops=2 * _n**3)(_gemm(_n, _n, _n, torch.bfloat16))


@workload("softmax_4096", ("eager", "compile"), bytes=2 * 4 * 4096 * 4096)
def _(mode):
    x = torch.randn(4096, 4096)
    f = maybe_compile(lambda x: torch.softmax(x, -1), mode)
    return lambda: f(x)


@workload("layernorm_fwdbwd", ("eager", "compile"))
def _(mode):
    x = torch.randn(4096, 1024, requires_grad=True)
    w = torch.ones(1024, requires_grad=True)
    b = torch.zeros(1024, requires_grad=True)
    g = torch.randn(4096, 1024)
    f = maybe_compile(lambda x, w, b: F.layer_norm(x, (1024,), w, b, 1e-5), mode)

    def step():
        x.grad = w.grad = b.grad = None
        f(x, w, b).backward(g)
    return step


@workload("elementwise_gelu_16m", ("eager", "compile"), bytes=2 * 4 * (1 << 24))
def _(mode):
    x = torch.randn(1 << 24)
    f = maybe_compile(lambda x: F.gelu(x * 1.1 + 0.1, approximate="tanh") * 0.9, mode)
    return lambda: f(x)


@workload("sum_64m", ("eager", "compile"), bytes=4 * (1 << 26))
def _(mode):
    x = torch.randn(1 << 26)
    f = maybe_compile(lambda x: x.sum(), mode)
    return lambda: f(x).item()


@workload("memcpy_1gib", ("eager",), bytes=2 * (1 << 30))
def _(mode):
    import numpy as np
    a, b = np.ones(1 << 28, np.float32), np.ones(1 << 28, np.float32)
    return lambda: np.copyto(b, a)


# ---------------------------------------------------------------- small nets
@workload("mlp")
def _(mode):
    m = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    x, y = torch.randn(64, 784), torch.randint(0, 10, (64,))
    return trainer(m, lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.Adam, mode, (x, y), lr=1e-3)


@workload("mlp_tiny")
def _(mode):
    m = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    x, y = torch.randn(32, 2), torch.randn(32, 1)
    return trainer(m, lambda m, x, y: F.mse_loss(m(x), y), torch.optim.SGD, mode, (x, y), lr=1e-2)


@workload("lenet")
def _(mode):
    m = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.randn(128, 1, 28, 28), torch.randint(0, 10, (128,))
    return trainer(m, lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.Adam, mode, (x, y), lr=1e-3)


class VAE(nn.Module):
    def __init__(s):
        super().__init__()
        s.e, s.mu, s.lv = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        s.d1, s.d2 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(s, x):
        h = F.relu(s.e(x))
        mu, lv = s.mu(h), s.lv(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * lv)
        return s.d2(F.relu(s.d1(z))), mu, lv


def vae_loss(m, x):
    r, mu, lv = m(x)
    rec = F.binary_cross_entropy_with_logits(r, x, reduction="sum")
    return rec - 0.5 * torch.sum(1 + lv - mu * mu - lv.exp())


@workload("vae")
def _(mode):
    return trainer(VAE(), vae_loss, torch.optim.Adam, mode, (torch.rand(128, 784),), lr=1e-3)


class GCN(nn.Module):
    def __init__(s):
        super().__init__()
        s.w1, s.b1 = nn.Parameter(torch.randn(1433, 16) * 0.05), nn.Parameter(torch.zeros(16))
        s.w2, s.b2 = nn.Parameter(torch.randn(16, 7) * 0.05), nn.Parameter(torch.zeros(7))

    def forward(s, x, src, dst, norm):
        def conv(h, w, b):
            h = h @ w
            return torch.zeros(h.shape[0], h.shape[1]).index_add(0, dst, h[src] * norm) + b
        return conv(F.relu(conv(x, s.w1, s.b1)), s.w2, s.b2)


@workload("gcn")
def _(mode):
    N, E = 2708, 10556
    x = torch.zeros(N, 1433)
    x[torch.rand(N, 1433) < 0.0127] = 1.0
    src, dst = torch.randint(0, N, (E,)), torch.randint(0, N, (E,))
    norm, y = torch.rand(E, 1), torch.randint(0, 7, (N,))
    lf = lambda m, x, s, d, n, y: F.cross_entropy(m(x, s, d, n)[:140], y[:140])
    return trainer(GCN(), lf, torch.optim.Adam, mode, (x, src, dst, norm, y), lr=1e-2)


class LSTMNet(nn.Module):
    def __init__(s):
        super().__init__()
        s.r, s.f = nn.LSTM(128, 256, batch_first=True), nn.Linear(256, 10)

    def forward(s, x):
        o, _ = s.r(x)
        return s.f(o[:, -1])


@workload("lstm")
def _(mode):
    x, y = torch.randn(32, 64, 128), torch.randint(0, 10, (32,))
    return trainer(LSTMNet(), lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.Adam, mode, (x, y), lr=1e-3)


# ---------------------------------------------------------------- resnets
class Basic(nn.Module):
    def __init__(s, i, o, st):
        super().__init__()
        s.c1, s.b1 = nn.Conv2d(i, o, 3, st, 1, bias=False), nn.BatchNorm2d(o)
        s.c2, s.b2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        s.sc = nn.Sequential(nn.Conv2d(i, o, 1, st, bias=False), nn.BatchNorm2d(o)) if st != 1 or i != o else nn.Identity()

    def forward(s, x):
        h = F.relu(s.b1(s.c1(x)))
        return F.relu(s.b2(s.c2(h)) + s.sc(x))


class Bottleneck(nn.Module):
    def __init__(s, i, w, st):
        super().__init__()
        o = 4 * w
        s.c1, s.b1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w)
        s.c2, s.b2 = nn.Conv2d(w, w, 3, st, 1, bias=False), nn.BatchNorm2d(w)
        s.c3, s.b3 = nn.Conv2d(w, o, 1, bias=False), nn.BatchNorm2d(o)
        s.sc = nn.Sequential(nn.Conv2d(i, o, 1, st, bias=False), nn.BatchNorm2d(o)) if st != 1 or i != o else nn.Identity()

    def forward(s, x):
        h = F.relu(s.b1(s.c1(x)))
        h = F.relu(s.b2(s.c2(h)))
        return F.relu(s.b3(s.c3(h)) + s.sc(x))


def resnet18_cifar():
    L, i = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for o, st in ((64, 1), (128, 2), (256, 2), (512, 2)):
        L += [Basic(i, o, st), Basic(o, o, 1)]
        i = o
    return nn.Sequential(*L, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def resnet50():
    L, i = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for w, n, st in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for j in range(n):
            L.append(Bottleneck(i, w, st if j == 0 else 1))
            i = 4 * w
    return nn.Sequential(*L, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


@workload("resnet18_train_b32")
def _(mode):
    x, y = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    return trainer(resnet18_cifar(), lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.SGD, mode, (x, y), lr=0.1, momentum=0.9)


@workload("resnet18_train_b32_cl", modes=("eager",))
def _(mode):
    x, y = torch.randn(32, 3, 32, 32).to(memory_format=torch.channels_last), torch.randint(0, 10, (32,))
    m = resnet18_cifar().to(memory_format=torch.channels_last)
    return trainer(m, lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.SGD, mode, (x, y), lr=0.1, momentum=0.9)


for _b in (1, 32):
    workload(f"resnet18_infer_b{_b}", ("eager", "compile"))(lambda mode, b=_b: infer(resnet18_cifar(), mode, torch.randn(b, 3, 32, 32)))
workload("resnet50_infer_b1", ("eager", "compile"))(lambda mode: infer(resnet50(), mode, torch.randn(1, 3, 224, 224)))
workload("resnet50_infer_b1_cl", ("eager",))(lambda mode: infer(
    resnet50().to(memory_format=torch.channels_last), mode, torch.randn(1, 3, 224, 224).to(memory_format=torch.channels_last)))


# ---------------------------------------------------------------- transformers
class Attn(nn.Module):
    def __init__(s, d, h, causal):
        super().__init__()
        s.qkv, s.proj, s.h, s.causal = nn.Linear(d, 3 * d), nn.Linear(d, d), h, causal

    def forward(s, x, cache=None):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, s.h, C // s.h).transpose(1, 2) for t in s.qkv(x).split(C, 2))
        causal = s.causal
        if cache is not None:
            kc, vc, pos = cache
            kc[:, :, pos:pos + T] = k
            vc[:, :, pos:pos + T] = v
            k, v = kc[:, :, :pos + T], vc[:, :, :pos + T]
            causal = T > 1
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return s.proj(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(s, d, h, causal, approx):
        super().__init__()
        s.l1, s.l2, s.a = nn.LayerNorm(d), nn.LayerNorm(d), Attn(d, h, causal)
        s.m = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(approximate=approx), nn.Linear(4 * d, d))

    def forward(s, x, cache=None):
        x = x + s.a(s.l1(x), cache)
        return x + s.m(s.l2(x))


class GPT(nn.Module):
    def __init__(s, V, T, L, H, D):
        super().__init__()
        s.wte, s.wpe = nn.Embedding(V, D), nn.Embedding(T, D)
        s.b = nn.ModuleList([Block(D, H, True, "tanh") for _ in range(L)])
        s.lf = nn.LayerNorm(D)
        nn.init.normal_(s.wte.weight, std=0.02)

    def forward(s, idx, caches=None, pos=0, last=False):
        x = s.wte(idx) + s.wpe(torch.arange(pos, pos + idx.shape[1]))
        for i, b in enumerate(s.b):
            x = b(x, None if caches is None else (*caches[i], pos))
        if last:
            x = x[:, -1:]
        return F.linear(s.lf(x), s.wte.weight)


def gpt_loss(m, x, y):
    lg = m(x)
    return F.cross_entropy(lg.view(-1, lg.shape[-1]), y.view(-1))


def gpt_train(V, T, L, H, D, B, S=None):
    def make(mode):
        t = S or T
        x, y = torch.randint(0, V, (B, t)), torch.randint(0, V, (B, t))
        return trainer(GPT(V, T, L, H, D), gpt_loss, torch.optim.AdamW, mode, (x, y), lr=1e-3, weight_decay=0.1)
    return make


workload("gpt_char", tokens=12 * 64)(gpt_train(65, 64, 4, 4, 128, 12))
workload("gpt_small", tokens=8 * 256)(gpt_train(65, 256, 6, 6, 384, 8))
workload("gpt2_124m_train", tokens=512)(gpt_train(50257, 1024, 12, 12, 768, 1, 512))


@workload("gpt2_124m_decode", ("eager",), tokens=64)
def _(mode):
    m = GPT(50257, 1024, 12, 12, 768).eval()
    prompt = torch.randint(0, 50257, (1, 8))
    caches = [(torch.zeros(1, 12, 1024, 64), torch.zeros(1, 12, 1024, 64)) for _ in range(12)]

    def step():
        with torch.inference_mode():
            tok, pos, out = prompt, 0, []
            for _ in range(64):
                lg = m(tok, caches, pos, last=True)
                pos += tok.shape[1]
                tok = lg[:, -1].argmax(-1, keepdim=True)
                out.append(tok)
            return out
    return step


class ViT(nn.Module):
    def __init__(s, d=192, L=6, h=3, p=4, img=32):
        super().__init__()
        s.pe, s.cls = nn.Conv2d(3, d, p, p), nn.Parameter(torch.zeros(1, 1, d))
        s.pos = nn.Parameter(torch.randn(1, (img // p) ** 2 + 1, d) * 0.02)
        s.b = nn.Sequential(*[Block(d, h, False, "none") for _ in range(L)])
        s.ln, s.hd = nn.LayerNorm(d), nn.Linear(d, 10)

    def forward(s, x):
        x = s.pe(x).flatten(2).transpose(1, 2)
        x = torch.cat([s.cls.expand(x.shape[0], -1, -1), x], 1) + s.pos
        return s.hd(s.ln(s.b(x))[:, 0])


@workload("vit_tiny")
def _(mode):
    x, y = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    return trainer(ViT(), lambda m, x, y: F.cross_entropy(m(x), y), torch.optim.AdamW, mode, (x, y), lr=1e-3, weight_decay=0.1)


# ---------------------------------------------------------------- unet
class Res(nn.Module):
    def __init__(s, i, o, t):
        super().__init__()
        s.n1, s.c1 = nn.GroupNorm(8, i), nn.Conv2d(i, o, 3, padding=1)
        s.te = nn.Linear(t, o)
        s.n2, s.c2 = nn.GroupNorm(8, o), nn.Conv2d(o, o, 3, padding=1)
        s.sk = nn.Conv2d(i, o, 1) if i != o else nn.Identity()

    def forward(s, x, t):
        h = s.c1(F.silu(s.n1(x))) + s.te(F.silu(t))[:, :, None, None]
        return s.c2(F.silu(s.n2(h))) + s.sk(x)


class Att2d(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.n, s.qkv, s.p = nn.GroupNorm(8, c), nn.Conv2d(c, 3 * c, 1), nn.Conv2d(c, c, 1)

    def forward(s, x):
        B, C, H, W = x.shape
        q, k, v = (t.reshape(B, 1, C, H * W).transpose(2, 3) for t in s.qkv(s.n(x)).chunk(3, 1))
        y = F.scaled_dot_product_attention(q, k, v)
        return x + s.p(y.transpose(2, 3).reshape(B, C, H, W))


class UNet(nn.Module):
    def __init__(s, chs=(32, 64, 128), t=128):
        super().__init__()
        s.t1, s.t2, s.ci = nn.Linear(32, t), nn.Linear(t, t), nn.Conv2d(1, chs[0], 3, padding=1)
        s.dn, s.da, s.ds, s.up, s.ua, s.us = (nn.ModuleList() for _ in range(6))
        c, sk = chs[0], []
        for l, o in enumerate(chs):
            for _ in range(2):
                s.dn.append(Res(c, o, t))
                s.da.append(Att2d(o) if l == 2 else nn.Identity())
                c = o
                sk.append(c)
            s.ds.append(nn.Conv2d(c, c, 3, 2, 1) if l < 2 else nn.Identity())
        s.m1, s.ma, s.m2 = Res(c, c, t), Att2d(c), Res(c, c, t)
        for l in (2, 1, 0):
            o = chs[l]
            for _ in range(2):
                s.up.append(Res(c + sk.pop(), o, t))
                s.ua.append(Att2d(o) if l == 2 else nn.Identity())
                c = o
            s.us.append(nn.Conv2d(c, c, 3, padding=1) if l > 0 else nn.Identity())
        s.no, s.co = nn.GroupNorm(8, c), nn.Conv2d(c, 1, 3, padding=1)

    def forward(s, x, ts):
        fr = torch.exp(torch.arange(16) * (-math.log(10000.0) / 16))
        e = ts[:, None].float() * fr[None]
        t = s.t2(F.silu(s.t1(torch.cat([e.sin(), e.cos()], 1))))
        h, sk = s.ci(x), []
        for l in range(3):
            for j in range(2):
                h = s.da[2 * l + j](s.dn[2 * l + j](h, t))
                sk.append(h)
            h = s.ds[l](h)
        h = s.m2(s.ma(s.m1(h, t)), t)
        for u in range(3):
            for j in range(2):
                h = s.ua[2 * u + j](s.up[2 * u + j](torch.cat([h, sk.pop()], 1), t))
            if u < 2:
                h = s.us[u](F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return s.co(F.silu(s.no(h)))


@workload("unet")
def _(mode):
    x, n, t = torch.randn(16, 1, 32, 32), torch.randn(16, 1, 32, 32), torch.randint(0, 1000, (16,))
    return trainer(UNet(), lambda m, x, t, n: F.mse_loss(m(x, t), n), torch.optim.Adam, mode, (x, t, n), lr=1e-3)


# ---------------------------------------------------------------- main
def main():
    pats = args.only.split(",")
    skips = [s for s in args.skip.split(",") if s]
    names = [n for n in REG if any(fnmatch.fnmatch(n, p) for p in pats) and not any(fnmatch.fnmatch(n, p) for p in skips)]
    if args.list:
        print("\n".join(names))
        return
    out = dict(peer="torch", version=torch.__version__, python=platform.python_version(), threads=args.threads, results=[])
    print(f"# torch {torch.__version__} threads={args.threads}", flush=True)
    for name in names:
        make, modes, meta = REG[name]
        for mode in args.modes.split(","):
            if mode not in modes:
                continue
            try:
                torch.manual_seed(0)
                torch._dynamo.reset() if mode == "compile" else None
                step = make(mode)
                r = bench(step)
                del step
            except Exception as e:
                print(f"{name}[{mode}] ERROR {type(e).__name__}: {str(e)[:200]}", flush=True)
                out["results"].append(dict(name=name, mode=mode, error=str(e)[:500]))
                continue
            s = r["median_ms"] * 1e-3
            if "flops" in meta:
                r["gflops"] = meta["flops"] / s * 1e-9
            if "bytes" in meta:
                r["gbs"] = meta["bytes"] / s * 1e-9
            if "tokens" in meta:
                r["tokens_s"] = meta["tokens"] / s
            extra = " ".join(f"{k}={r[k]:.1f}" for k in ("gflops", "gbs", "tokens_s") if k in r)
            print(f"{name}[{mode}] {r['median_ms']:.4f} {r['p10_ms']:.4f} {r['p90_ms']:.4f} n={r['n']} first_ms={r['first_ms']:.0f} {extra}", flush=True)
            out["results"].append(dict(name=name, mode=mode, **{k: round(v, 5) for k, v in r.items()}))
            if args.json:
                with open(args.json, "w") as f:
                    json.dump(out, f, indent=1)


if __name__ == "__main__":
    main()
