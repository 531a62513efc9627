"""How Qwen2.5-VL marks turns and pictures."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
  {%- if loop.first and message.role != "system" -%}
    {{ "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" }}
  {%- endif -%}
  {{ "<|im_start|>" + message.role + "\n" }}
  {%- if message.content is string -%}{{ message.content }}
  {%- else -%}
    {%- for item in message.content -%}
      {%- if item.type == "image" -%}{{ "<|vision_start|><|image_pad|><|vision_end|>" }}
      {%- elif item.type == "text" -%}{{ item.text }}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {{ "<|im_end|>\n" }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ "<|im_start|>assistant\n" }}{%- endif -%}
"""
