"""What every package builds on: files, artifacts, settings, errors, work in parallel. It imports no other package of ours."""
