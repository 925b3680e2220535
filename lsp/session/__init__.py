"""What one editor's connection has: settings, status, commands.

No protocol: `server` speaks.
"""
