"""What whylogs 1.6.4 says of constraints. It runs where whylogs is installed.

Standard input is a JSON object: by the name of a table its ``columns``, and ``calls`` of factories.
Printed is a verdict for each table and call.
"""

import ast
import json
import sys

import pandas as pd
import whylogs as why
from whylogs.core.constraints import ConstraintsBuilder, factories
from whylogs.core.metrics.condition_count_metric import Condition
from whylogs.core.relations import Predicate
from whylogs.core.resolvers import STANDARD_RESOLVER
from whylogs.core.schema import DeclarativeSchema
from whylogs.core.specialized_resolvers import ConditionCountMetricSpec

CONDITIONS = {"positive": Predicate().greater_than(0), "negative": Predicate().less_than(0)}


def schema():
    conditions = {name: Condition(predicate) for name, predicate in CONDITIONS.items()}
    declared = DeclarativeSchema(STANDARD_RESOLVER)
    declared.add_resolver_spec("x", metrics=[ConditionCountMetricSpec(conditions)])
    return declared


def verdict(view, call):
    name, _, arguments = call.partition("(")
    builder = ConstraintsBuilder(dataset_profile_view=view)
    builder.add_constraint(getattr(factories, name)(*ast.literal_eval(f"({arguments[:-1]},)")))
    return bool(builder.build().validate())


if __name__ == "__main__":
    given = json.load(sys.stdin)
    verdicts = {}
    for name, columns in given["tables"].items():
        view = why.log(pd.DataFrame(columns), schema=schema()).view()
        verdicts[name] = {call: verdict(view, call) for call in given["calls"]}
    print(json.dumps(verdicts))
