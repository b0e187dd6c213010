"""``python -m benchmarks.peers``: ours side by side with every other converter and runtime."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.peers import contender, environments, picture, results, turns
from benchmarks.peers.contender import Kind
from benchmarks.peers.net import Net

NETS = ("ssc-net-1-9", "ssc-net-3-9", "ssc-net-6-9", "ssc-net-4-18", "shift-net-9-6", "mobilenet-v2")

_EPILOG = """
Each net's results go to OUT/NET.json, all rows of it from this run, and OUT/peers.svg is drawn anew from all that are
there: nets can be run one by one. Environments and converted files are kept in the cache; --prepare makes them and
stops, so that a timed run is short.
"""


def chosen(asked: list[str] | None) -> list[str]:
    """Names of the contenders to run: ours, the limit, and the peers asked for.

    Args:
        asked: names of peers, or ``all``; None for all whose environments are small.

    Raises:
        ValueError: one of them is no peer.
    """
    about = {name: contender.module(name).CONTENDER for name in contender.names()}
    peers = [name for name, one in about.items() if one.kind is Kind.PEER]
    if asked is None:
        wanted = {name for name in peers if not about[name].large}
    elif "all" in asked:
        wanted = set(peers)
    else:
        wanted = set(asked)
        unknown = sorted(wanted - set(peers))
        if unknown:
            raise ValueError(f"there is no peer {unknown[0]!r}; the known are all, {', '.join(peers)}")
    return [name for name, one in about.items() if one.kind is not Kind.PEER or name in wanted]


def main() -> None:
    """Prints a line a row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__, epilog=_EPILOG)
    parser.add_argument("--nets", nargs="+", default=NETS, metavar="NET", help="NET[@SIZE][xBATCH]")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--peers", nargs="+", metavar="PEER", help="names, or all  [default: those that are small]")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=7, help="timed inferences of each in a round")
    parser.add_argument("--cache", type=Path, default=environments.default_cache())
    parser.add_argument("--prepare", action="store_true", help="make environments and files, and time nothing")
    parser.add_argument("--pause", action="store_true", help="wait for Enter before timing, to quiet the machine first")
    options = parser.parse_args()
    try:
        nets = [Net.parse(name) for name in options.nets]
        names = chosen(options.peers)
    except ValueError as error:
        parser.error(str(error))
    options.cache.mkdir(parents=True, exist_ok=True)

    def say(line: str) -> None:
        print(line, flush=True)

    def ready() -> None:
        if options.pause:
            input("all are loaded; press Enter to time them\n")

    for net in nets:
        if options.prepare:
            turns.prepare(net, names, options.cache, say)
            continue
        result = turns.compare(
            net, names, options.cache, rounds=options.rounds, runs=options.runs, say=say, ready=ready
        )
        results.write(result, options.out)
        for line in lines(result):
            say(line)
    if not options.prepare:
        picture.write(options.out)


def lines(result: results.NetResult) -> list[str]:
    """The results of a network for people."""
    found = [f"\n{result.net}: {result.macs / 1e6:.0f} M MACs, {result.rounds} rounds, {result.date}"]
    timed = [row for row in result.rows if row.times]
    for row in sorted(timed, key=lambda row: row.times.cpu.median):  # type: ignore[union-attr]
        assert row.times is not None
        ratio = row.times.to_best_peer
        verdict = f"WRONG: {row.reason}" if row.status is results.Status.WRONG else f"{ratio} of the best peer's time"
        found.append(f"  {row.label:60} {row.times.cpu.median:8.2f} ms   {verdict}")
    found += [f"  {row.label:60} {'':8}      {row.reason}" for row in result.rows if not row.times]
    if result.ours_to_peers is not None:
        found.append(f"  best of ours / best of peers: {result.ours_to_peers}")
    return found


if __name__ == "__main__":
    main()
