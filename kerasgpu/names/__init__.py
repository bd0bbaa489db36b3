"""Public modules of Keras that hold nothing of their own: old homes of names, and places for names that are not there yet.

`table.py` says what each is made of; `finder.py` makes a module of an entry when somebody imports it.
"""
