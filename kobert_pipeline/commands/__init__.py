"""The commands of `kobert`, one file each. Nothing heavy is imported before a command runs."""
