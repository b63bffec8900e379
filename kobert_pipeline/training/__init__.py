"""What pretraining and fine-tuning share: optimizer groups, schedules, precision, checkpoints, progress."""
