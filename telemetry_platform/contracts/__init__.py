"""What an event is and what may be done with it: pure data, no I/O, no clock.

Nothing here may import another layer; everything else follows from these declarations or is checked against them.
"""
