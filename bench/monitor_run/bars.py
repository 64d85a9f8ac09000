"""`lightmeter monitor run` on 12 500 hourly buckets of 100 pictures each, with one drift monitor.

Alone: seconds of CPU of the whole process, its start included, and its peak memory in MB. The first
run judges every bucket; the next has no news.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="run",
    bars=[
        Bar(None, metric="first run, CPU s", at_most=60),
        Bar(None, metric="no news, CPU s", at_most=1.5),
        Bar(None, metric="peak MB", at_most=300),
    ],
    launches=1,
    rounds=0,
)
