"""Whether an exam can be trusted: leaked cases, what was fixed before the run, how often a set was used.

It knows the session and the store, and nothing of pytest.
"""
