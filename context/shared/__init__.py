"""What every room may import: values, problems, files, places on disk.

Nothing here knows of code, models, editors or the daemon.
"""
