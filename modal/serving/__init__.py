"""What any model class needs to serve many wearers, whatever the model.

``arguments`` reads what callers hand over, ``frames`` decodes pictures, ``batcher`` gathers
requests, ``prompts``, ``sampling``, ``yes_no`` and ``structured`` are about words and tokens,
``knobs`` reads settings.
"""
