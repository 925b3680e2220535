"""What a GGUF file says, read and checked before llama.cpp sees it: the file may be hostile.

No weights are read.
"""
