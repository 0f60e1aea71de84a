"""Continuous integration: what a CI system tells a job, and how the job answers it. It knows records and reports."""
