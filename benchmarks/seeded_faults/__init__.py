"""Broken fine-tunes and broken exams, injected one by one into an exam that is green: which are caught, and by what."""
