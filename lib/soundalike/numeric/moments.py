"""Mean and population standard deviation from exact sums."""

from decimal import Context, Decimal

# Enough digits that neither the division nor the root rounds before the conversion to double does.
_CONTEXT = Context(prec=60)


def mean(total: Decimal, count: int) -> float:
    return float(_CONTEXT.divide(total, Decimal(count)))


def population_sd(squares: Decimal, count: int) -> float:
    """From the sum of squared deviations from the mean."""
    return float(_CONTEXT.sqrt(_CONTEXT.divide(squares, Decimal(count))))
