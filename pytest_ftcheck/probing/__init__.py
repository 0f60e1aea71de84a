"""Behavioural probes after CheckList: prompts made by rule, what must hold of their answers, and how often it does not.

It knows models as something that answers several prompts at once, and nothing of pytest, the store or the plan.
"""
