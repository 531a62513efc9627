"""What any model class needs to serve many wearers, whatever the model.

``arguments`` reads what callers hand over, ``frames`` decodes pictures, ``batcher`` gathers
requests, ``prompts``, ``sampling``, ``yes_no`` and ``structured`` are about words and tokens,
``plain`` keeps control tokens apart from what people write, ``knobs`` and ``settings`` read the
environment, ``placement`` and ``session`` bring a model up.
"""
