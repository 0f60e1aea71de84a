"""What probably happened to a fine-tune, and what to try: rules over all that a run found.

It reads records and nothing else; docs/diagnosis.md tells users each rule.
"""

from pytest_ftcheck.diagnosis.rules import diagnose

__all__ = ["diagnose"]
