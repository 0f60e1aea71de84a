"""A run told to experiment trackers: MLflow, W&B, TensorBoard. What they are told never touches a verdict.

`facts` says what is told, once for all; each client is a file of its own, imported in a process of its own (`telling`)
only when it was asked for, so that a tracker that is down, hangs or raises costs one warning and a bounded time.
"""
