#!/usr/bin/env python3
"""The wind tunnel of `crates/worlds` in PyTorch: the same physics, the same numbers, for speed and golden values.

  python fluid_torch.py --start wing.npy --steps 100                 # as most users would write it, eager
  python fluid_torch.py --start wing.npy --blur separable            # two one-dimensional convolutions for each blur
  python fluid_torch.py --start wing.npy --blur matrix --compile     # a blur as two products with banded matrices
  python fluid_torch.py --golden > crates/worlds/tests/fluid.json    # a small simulation in double precision

`wing.npy` is what the example `wing` of `crates/worlds` writes before it starts. The blur of the free mask, which does not
change during a simulation, is computed once (the lecture's notebook computes it in every sweep), velocities are advected
together, and smoke, which the objective does not depend on, is left out.
"""
import argparse, json, math, os, sys, time

ap = argparse.ArgumentParser()
ap.add_argument("--start", help="initial parameters, .npy of the grid's shape; without it 0.1 * U(0, 1) - 1, seed 0")
ap.add_argument("--steps", type=int, default=100)
ap.add_argument("--blur", choices=["conv2d", "separable", "matrix"], default="conv2d")
ap.add_argument("--compile", action="store_true", help="torch.compile the pressure sweep and the advection")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--golden", action="store_true", help="print a small simulation, its objective and gradient as JSON")
args = ap.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(args.threads)

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(args.threads)


def gauss(dtype):
    taps = torch.arange(9, dtype=torch.float64) - 4
    weights = torch.exp(-0.5 * taps**2)
    return (weights / weights.sum()).to(dtype)


def make_blur(kind, rows, cols, dtype):
    """The Gaussian blur, sigma 1, 9 x 9, mirrored at the border: the same linear map in three ways."""
    w = gauss(dtype)
    if kind == "conv2d":
        kernel = torch.outer(w, w)[None, None]
        return lambda f: F.conv2d(F.pad(f[None, None], (4, 4, 4, 4), mode="reflect"), kernel)[0, 0]
    if kind == "separable":
        down, across = w.view(1, 1, 9, 1), w.view(1, 1, 1, 9)
        return lambda f: F.conv2d(F.conv2d(F.pad(f[None, None], (4, 4, 4, 4), mode="reflect"), down), across)[0, 0]

    def matrix(n):
        eye = F.pad(torch.eye(n, dtype=dtype)[:, None], (4, 4), mode="reflect")
        return F.conv1d(eye, w.view(1, 1, 9))[:, 0].T.contiguous()

    left, right = matrix(rows), matrix(cols).T.contiguous()
    return lambda f: left @ f @ right


class WindTunnel:
    def __init__(self, rows=50, cols=75, steps=20, sweeps=50, dtype=torch.float32, blur="conv2d", compiled=False):
        self.rows, self.cols, self.steps, self.sweeps, self.dtype = rows, cols, steps, sweeps, dtype
        self.blur = make_blur(blur, rows, cols, dtype)
        self.mask = torch.zeros(rows, cols, dtype=dtype)
        self.mask[int(0.30 * rows) : int(0.68 * rows), int(0.12 * cols) : int(0.62 * cols)] = 1
        self.vx0 = torch.ones(rows, cols, dtype=dtype)
        self.vy0 = torch.zeros(rows, cols, dtype=dtype)
        self.cell_y, self.cell_x = torch.meshgrid(torch.arange(rows, dtype=dtype), torch.arange(cols, dtype=dtype), indexing="ij")
        if compiled:
            self.sweep = torch.compile(self.sweep, dynamic=False)
            self.advect = torch.compile(self.advect, dynamic=False)

    def diffuse_into(self, f, free, inward):
        outside = f * free
        return outside + inward * self.blur(outside)

    def sweep(self, p, source, free, inward):
        p = (source + p.roll(1, 1) + p.roll(-1, 1) + p.roll(1, 0) + p.roll(-1, 0)) / 4
        return self.diffuse_into(p, free, inward)

    def project(self, vx, vy, free, inward):
        div = -0.5 * (vx.roll(-1, 1) - vx.roll(1, 1) + vy.roll(-1, 0) - vy.roll(1, 0))
        source = self.diffuse_into(div, free, inward)
        p = torch.zeros_like(source)
        for _ in range(self.sweeps):
            p = self.sweep(p, source, free, inward)
        vx = (vx - 0.5 * (p.roll(-1, 1) - p.roll(1, 1))) * free
        vy = (vy - 0.5 * (p.roll(-1, 0) - p.roll(1, 0))) * free
        return self.boundary(vx, self.vx0), self.boundary(vy, self.vy0)

    def boundary(self, f, f0):
        f = torch.cat([f0[:, :3], f[:, 3:]], 1)
        return torch.cat([f0[:3], f[3:]], 0)

    def advect(self, f, vx, vy):
        y, x = self.cell_y - vy, self.cell_x - vx
        row, col = y.detach().long(), x.detach().long()  # toward zero
        down, right = y - row, x - col
        upper, lower = row % self.rows * self.cols, (row + 1) % self.rows * self.cols
        left, right_of = col % self.cols, (col + 1) % self.cols
        flat = f.flatten(-2)

        def at(cells):
            return flat[..., cells.flatten()].view_as(f)

        return (1 - down) * ((1 - right) * at(upper + left) + right * at(upper + right_of)) + down * (
            (1 - right) * at(lower + left) + right * at(lower + right_of)
        )

    def velocity(self, params):
        solid = torch.sigmoid(params) * self.mask
        free = 1 - solid
        inward = solid / (self.blur(free) + 1e-8)
        vx, vy = self.project(self.vx0, self.vy0, free, inward)
        for _ in range(self.steps):
            vx, vy = self.advect(torch.stack([vx, vy]), vx, vy)
            vx, vy = self.project(vx, vy, free, inward)
        return vx, vy

    def lift_to_drag(self, params):
        vx, vy = self.velocity(params)
        return -vy.mean() / (vx - self.vx0).mean(), vx, vy


def golden():
    rows, cols, steps, sweeps = 16, 24, 3, 10
    tunnel = WindTunnel(rows, cols, steps, sweeps, torch.float64)
    state, wing = 1, []
    for _ in range(rows * cols):
        state = (1664525 * state + 1013904223) % 2**32
        wing.append(2 * state / 2**32 - 1)
    params = torch.tensor(wing, dtype=torch.float64).view(rows, cols).requires_grad_()
    value, vx, vy = tunnel.lift_to_drag(params)
    (slope,) = torch.autograd.grad(value, params)
    flat = lambda t: [float(f"{v:.12g}") for v in t.flatten().tolist()]
    json.dump(dict(rows=rows, columns=cols, steps=steps, sweeps=sweeps, lift_to_drag=value.item(), x=flat(vx), y=flat(vy), slope=flat(slope)), sys.stdout)


def main():
    tunnel = WindTunnel(blur=args.blur, compiled=args.compile)
    if args.start:
        params = torch.from_numpy(np.load(args.start)).float()
    else:
        torch.manual_seed(0)
        params = 0.1 * torch.rand(50, 75) - 1
    params.requires_grad_()
    times, processor = [], []
    for step in range(args.steps):
        begin, busy = time.perf_counter(), time.process_time()
        value, _, _ = tunnel.lift_to_drag(params)
        (slope,) = torch.autograd.grad(value, params)
        with torch.no_grad():
            params += 1e3 * slope
        value = value.item()
        times.append((time.perf_counter() - begin) * 1e3)
        processor.append((time.process_time() - busy) * 1e3)  # what a shared machine does not change much
        print(f"step {step:3}  lift/drag {value:8.5f}  {times[-1]:8.2f} ms", flush=True)
    if times:
        times, processor = (sorted(list[1:] or list) for list in (times, processor))
        how = f"{args.blur}{', compiled' if args.compile else ''}, torch {torch.__version__}"
        print(f"median {times[len(times) // 2]:.2f} ms, {processor[len(processor) // 2]:.2f} ms of processor time, {how}")


golden() if args.golden else main()
