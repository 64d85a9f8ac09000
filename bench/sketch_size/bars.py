"""Bytes, and the largest error of any rank, in 99 of 100 sketches of a million numbers.

As shipped: encoded and decoded. Streamed: number by number; merged: from 4096 decoded sketches.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="sketch",
    cases=("streamed", "merged"),
    launches=1,
    rounds=0,
    bars=[
        Bar(None, metric="bytes", at_most=1350),
        Bar("datasketches_kll", metric="bytes"),
        Bar(None, metric="p99 rank error %", at_most=0.35),
        Bar("datasketches_kll", metric="p99 rank error %"),
    ],
)
