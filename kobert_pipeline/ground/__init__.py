"""What everything stands on: files, artifacts, settings, errors, work in parallel. It imports nothing of ours."""
