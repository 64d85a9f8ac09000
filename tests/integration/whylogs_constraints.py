"""What whylogs 1.6.4 says of constraints. It runs where whylogs is installed.

Standard input is a JSON object: the columns of tables by name, and the calls of factories. Printed
are the verdicts by table and call.
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
METRIC = ConditionCountMetricSpec({name: Condition(each) for name, each in CONDITIONS.items()})


def verdict(view, call):
    name, _, arguments = call.partition("(")
    builder = ConstraintsBuilder(dataset_profile_view=view)
    builder.add_constraint(getattr(factories, name)(*ast.literal_eval(f"({arguments[:-1]},)")))
    return bool(builder.build().validate())


if __name__ == "__main__":
    given, verdicts = json.load(sys.stdin), {}
    schema = DeclarativeSchema(STANDARD_RESOLVER)
    schema.add_resolver_spec("x", metrics=[METRIC])
    for name, columns in given["tables"].items():
        view = why.log(pd.DataFrame(columns), schema=schema).view()
        verdicts[name] = {call: verdict(view, call) for call in given["calls"]}
    print(json.dumps(verdicts))
