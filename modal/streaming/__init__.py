"""StreamingVLM, a Qwen2.5-VL made for endless video, behind the method contract of WIRE M.

The way back from Gemma 3. One chunk's way: ``service`` checks it and asks ``sessions`` for the
conversation that it continues, ``preparing`` turns it into tokens and pixels, ``engine`` runs them
behind what the model still remembers of the conversation.
"""
