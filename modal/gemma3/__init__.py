"""Gemma 3 behind the method contract of WIRE M: what runs inside the GPU container.

One chunk's way: ``service`` checks it and has it decoded, ``preparing`` turns it into tokens and
pixels, the batcher of ``serving`` gathers it with its neighbours, ``engine`` runs them as one
padded batch.
"""
