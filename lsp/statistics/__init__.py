"""What was offered, shown and accepted, counted on this machine; never code.

Nothing is sent anywhere.
"""
