"""Builds reviews.csv: 200 product reviews that no one wrote. A rule and a seed make them all.

Each product has a quality, each age group a mood; their sum and some noise give the stars, and the stars choose the
sentences. Run `python examples/reviews/build.py`; the same seed gives the same bytes.
"""

import csv
import random
from pathlib import Path

TARGET = Path(__file__).parent / "reviews.csv"
SEED = 20240222
N_REVIEWS = 200

QUALITY = {"kettle": 4.1, "desk lamp": 3.4, "backpack": 3.9, "headphones": 2.9, "rain jacket": 3.2}
MOOD = {"18-29": -0.3, "30-49": 0.0, "50-64": 0.2, "65+": 0.5}
SHARES = (0.25, 0.35, 0.25, 0.15)

VERDICT = {
    1: ("It broke within a week.", "I sent the {product} back.", "A waste of money."),
    2: ("I expected more of this {product}.", "It works, but only just.", "Not worth the price."),
    3: ("The {product} is all right.", "Does what it says, nothing more.", "Some things good, some not."),
    4: ("A good {product}, I use it every day.", "Well made for the price.", "I would buy it again."),
    5: ("The best {product} I have owned.", "I could not be happier with it.", "Everyone at home wants one."),
}
DETAIL = {
    1: ("Nobody answered my messages.", "The parts did not fit together."),
    2: ("The finish looks cheap.", "Delivery took three weeks."),
    3: ("Delivery was on time.", "The manual could be clearer."),
    4: ("Small scratch on arrival, otherwise fine.", "Easy to set up."),
    5: ("It looks better than in the pictures.", "Arrived a day early."),
}


def stars(draw: random.Random, product: str, age_group: str) -> int:
    """1 to 5: quality plus mood plus noise with standard deviation 1, rounded."""
    return min(5, max(1, round(QUALITY[product] + MOOD[age_group] + draw.gauss(0, 1))))


def review(draw: random.Random, number: int) -> dict[str, object]:
    """One row."""
    product = draw.choice(sorted(QUALITY))
    age_group = draw.choices(sorted(MOOD), SHARES)[0]
    rating = stars(draw, product, age_group)
    text = f"{draw.choice(VERDICT[rating])} {draw.choice(DETAIL[rating])}".format(product=product)
    return {"id": number, "product": product, "text": text, "age_group": age_group, "stars": rating}


def build(target: Path = TARGET) -> Path:
    """Writes the CSV file and gives its path."""
    draw = random.Random(SEED)  # noqa: S311 - a reproducible draw, not a secret
    rows = [review(draw, number) for number in range(1, N_REVIEWS + 1)]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return target


if __name__ == "__main__":
    build()
