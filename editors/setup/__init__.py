"""`foretype setup`: what an editor needs, shown or put into place.

The plug-ins themselves are beside this folder.
"""
