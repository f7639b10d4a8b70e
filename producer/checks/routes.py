"""Checks of routes: every step leads to another arm that asks, and the last one takes everybody who is left."""

from collections.abc import Iterator

from schemas.errors import Problem
from schemas.study import Arm, Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source


def route_problems(study: Study, source: Source) -> Iterator[Problem]:
    """What is wrong with the routes, rules apart; those are checked against the survey."""
    for name, arm in study.arms.items():
        if arm.route is None:
            continue
        for number, step in enumerate(arm.route):
            yield from _target(name, number, step.arm, study, source)
            is_last = number == len(arm.route) - 1
            where = source.where(f"arms.{name}.route.{number}")
            if is_last and step.when is not None:
                what = f"the route {name} leaves respondents without an arm."
                hint = "Give it a last step without `when`, such as `- {arm: basic}`."
                yield Problem(what, where, hint, code="route_without_end")
            elif not is_last and step.when is None:
                what = f"the route {name} ends here: a step without `when` takes everybody."
                yield Problem(what, where, "Put it last.", code="route_unreachable")
        yield from _repeats(name, arm, study, source)


def _target(name: str, number: int, target: str, study: Study, source: Source) -> Iterator[Problem]:
    where = source.where(f"arms.{name}.route.{number}.arm")
    if target not in study.arms:
        others = [other for other in study.arms if other != name]
        yield Problem(f"there is no arm {target}.", where, did_you_mean(target, others), code="unknown_arm")
    elif study.arms[target].route is not None:
        what = f"{target} is a route itself." if target != name else f"the route {name} leads to itself."
        yield Problem(what, where, "A step leads to an arm that asks a model or imports.", code="route_to_route")


def _repeats(name: str, arm: Arm, study: Study, source: Source) -> Iterator[Problem]:
    targets = [study.arms[step.arm] for step in arm.route or [] if step.arm in study.arms]
    counts = {1 if one.repeats is None or one.strategy == "repeats" else one.repeats for one in targets}
    if len(counts) > 1:
        what = f"arms of the route {name} repeat their questions {' and '.join(map(str, sorted(counts)))} times."
        where = source.where(f"arms.{name}.route")
        yield Problem(what, where, "Respondents get as many rows as their arm repeats.", "warning", "route_repeats")
