"""CPU at equal recall, read off the curve that a system draws over its grid of parameters."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

Point = tuple[float, float]  # recall, cost

TARGETS = (0.90, 0.95, 0.99)


def front(points: Iterable[Point]) -> list[Point]:
    """The points that no other one beats at once in recall and cost, by rising recall."""
    kept: list[Point] = []
    for recall, cost in sorted(points, key=lambda point: (-point[0], point[1])):
        if not kept or cost < kept[-1][1]:
            kept.append((recall, cost))
    return kept[::-1]


def cost_at(points: Iterable[Point], target: float) -> float | None:
    """Cost at a recall: the logarithm of the cost runs straight between neighboring points of the front.

    A recall below the whole curve costs what its cheapest point does; one above it is not reached: None, never
    extrapolated.
    """
    curve = front(points)
    if not curve or target > curve[-1][0]:
        return None
    above = next(i for i, (recall, _) in enumerate(curve) if recall >= target)
    if above == 0:
        return curve[0][1]
    (low, cheap), (high, dear) = curve[above - 1], curve[above]
    share = (target - low) / (high - low)
    return math.exp((1 - share) * math.log(cheap) + share * math.log(dear))


def compare(lines: Sequence[dict[str, Any]], product: str = "product") -> list[dict[str, Any]]:
    """For each block and system: CPU us per row at each of `TARGETS`, and how many times the product's it is.

    `lines`: of the peers and of the product, each with system, block, rows, recall, cpu_s; one with recall_lattice too
    counts twice, by either truth.
    """
    compared = []
    for block in dict.fromkeys(line["block"] for line in lines):
        of_block = [line for line in lines if line["block"] == block]
        at: dict[str, dict[str, float | None]] = {}
        for system in dict.fromkeys(line["system"] for line in of_block):
            lines_of = [line for line in of_block if line["system"] == system]
            for name, recall in ((system, "recall"), (f"{system}, on its lattice", "recall_lattice")):
                points = [(x[recall], x["cpu_s"] / x["rows"] * 1e6) for x in lines_of if recall in x]
                if points:
                    at[name] = {f"{target:.2f}": cost_at(points, target) for target in TARGETS}
        ours = at.get(product, {})
        for system, costs in at.items():
            ratios = {
                target: cost / own if cost is not None and (own := ours.get(target)) is not None else None
                for target, cost in costs.items()
            }
            compared.append({
                "block": block, "rows": of_block[0]["rows"], "system": system, "cpu_us_per_row": costs,
                "times_the_product": ratios,
            })  # fmt: skip
    return compared
