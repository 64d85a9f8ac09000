"""10 000 profile files of one picture each, folded into one.

The peer's figure is a merge of two views in memory; lightmeter's includes decoding the bytes.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(unit="profile", bars=[Bar("whylogs_views", at_least=100)])
