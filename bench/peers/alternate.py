"""Runs several benchmark programs in turns, workload by workload, for machines that are not idle.

    python bench/peers/alternate.py --rounds 3 --out results \
        'bolete: target/release/bench --modes plain' \
        'torch: venv/bin/python bench/peers/torch_bench.py --modes eager,eager_fused' \
        'jax: venv/bin/python bench/peers/jax_bench.py'

Each program is called with `--only WORKLOAD --json FILE` and whatever stands behind `--`. Of its runs of a workload the
one with the middle median counts (the faster of the middle two), in `results/NAME.json`, which `compare` reads. What a
program does not have is left out. An interrupted call goes on where it was when it is repeated.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys


def arguments():
    own, rest = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, rest = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("programs", nargs="+", help="NAME: COMMAND")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results"))
    parser.add_argument("--only", help="workloads, separated by commas; all of the first program without it")
    options = parser.parse_args(own)
    options.rest = rest
    return options


def workloads(options, command):
    if options.only:
        return options.only.split(",")
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True).stdout
    return listed.split()


def run(command, file, workload, rest):
    part = file.with_suffix(".part")
    # A program may have a workload in another layout of memory as well.
    whole = [*command, "--only", f"{workload},{workload}_cl", "--json", str(part), *rest]
    ended = subprocess.run(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode == 0 and part.exists():
        part.rename(file)
        return json.loads(file.read_text())["results"]
    part.unlink(missing_ok=True)
    reason = (ended.stderr.strip().splitlines() or ["no result"])[-1]
    print(f"  {shlex.join(command)} has no result for {workload}: {reason}", file=sys.stderr)
    return []


def middle(runs):
    ordered = sorted(runs, key=lambda result: result["median_ms"])
    return ordered[(len(ordered) - 1) // 2]


def main():
    options = arguments()
    programs = {}
    for program in options.programs:
        name, colon, command = program.partition(":")
        if not colon:
            sys.exit(f"expected NAME: COMMAND, found {program!r}")
        programs[name.strip()] = shlex.split(command)
    runs = options.out / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    names = workloads(options, next(iter(programs.values())))
    for workload in names:
        for turn in range(options.rounds):
            for name, command in programs.items():
                file = runs / f"{name}-{workload}-{turn}.json"
                results = json.loads(file.read_text())["results"] if file.exists() else run(
                    command, file, workload, options.rest
                )
                medians = ", ".join(f"{result['mode']} {result['median_ms']:.4g} ms" for result in results)
                print(f"{workload} {turn + 1}/{options.rounds} {name}: {medians}", flush=True)
    for name in programs:
        found = [sorted(runs.glob(f"{name}-{workload}-[0-9]*.json")) for workload in names]
        files = [json.loads(file.read_text()) for turns in found for file in turns]
        by_key = {}
        for file in files:
            for result in file["results"]:
                by_key.setdefault((result["name"], result["mode"]), []).append(result)
        if files:
            merged = {**files[0], "results": [middle(results) for results in by_key.values()]}
            (options.out / f"{name}.json").write_text(json.dumps(merged, indent=2) + "\n")


main()
