"""The daemon as a language server sees it: started when needed, asked, given up in time.

No completions are made here.
"""
