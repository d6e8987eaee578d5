"""Lets contenders take turns, round by round, and compares them with the first.

Each contender is a command that runs a round for each line of its standard input and prints a JSON
object with the rates "prompt" and "decode", "decode_cpu" by processor time, and the ids. One process each, all loaded before the
first round; nobody else runs during a round. A ratio is the median of the ratios to the first
contender in the same round, so that slow changes of the machine cancel out.

    python interleave.py ROUNDS NAME=COMMAND NAME=COMMAND ...
"""
import json
import os
import shlex
import statistics
import subprocess
import sys


def main():
    rounds = int(sys.argv[1])
    contenders = dict(argument.split("=", 1) for argument in sys.argv[2:])
    running = {
        name: subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name, command in contenders.items()
    }
    results = {name: [] for name in running}
    loads = []
    for number in range(rounds + 1):
        for name, process in running.items():
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline()
            while line and not line.startswith("{"):
                line = process.stdout.readline()
            if not line:
                sys.exit(f"{name} ended early")
            if number > 0:
                results[name].append(json.loads(line))
        loads.append(os.getloadavg()[0])
    for process in running.values():
        process.stdin.close()
        process.wait()
    report(results)
    print(f"\n{rounds} rounds after one unmeasured; load {min(loads):.1f} to {max(loads):.1f}")


def report(results):
    reference = next(iter(results.values()))
    print(
        "| | decode tok/s: median, best | ratio | decode tok/s of processor time | ratio"
        " | prompt tok/s | ratio | first ids equal |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, own in results.items():
        cells = [name]
        for rate in ("decode", "decode_cpu", "prompt"):
            values = [r[rate] for r in own]
            ratios = [r[rate] / o[rate] for r, o in zip(own, reference)]
            best = f", {max(values):.1f}" if rate == "decode" else ""
            cells.append(f"{statistics.median(values):.1f}{best}")
            cells.append(f"{statistics.median(ratios):.2f}x")
        pairs = list(zip(own[0]["ids"], reference[0]["ids"]))
        equal = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        cells.append(f"{equal} of {len(pairs)}")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
