"""Ready-made suites: did the fine-tune get worse at anything that nobody wrote a test for? docs/suites.md tells users.

Each module is what a user would write: evals over case files beside it, and gates. It is collected where a test file
imports its names, or by --ft-suite; until then nothing here is imported.
"""
