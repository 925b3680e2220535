"""The typed layer over llama.cpp's C API.

No policy: what is evaluated when is decided above.
"""
