"""Gemma 3 behind the method contract of WIRE M: what runs inside the GPU container.

One chunk's way: ``service`` checks it, ``frames`` decodes it, ``preparing`` turns it into tokens
and pixels, ``batcher`` gathers it with its neighbours, ``engine`` runs them as one padded batch.
"""
