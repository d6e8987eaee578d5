"""Writes chats.json and snippets.json beside this file: what transformers and jinja2 make of the templates.

Needs transformers 4.57.1 and jinja2 3.1.6. Run it from anywhere: python chats.py
"""

import datetime
import json
import pathlib

import jinja2
from transformers.utils import chat_template_utils as chat

HERE = pathlib.Path(__file__).parent


class Today(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 9, 7, 15, 4, 5)


chat.datetime = Today

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
S, U, A = "system", "user", "assistant"
CONVERSATIONS = {
    "question": [(U, "What is 2 + 2?")],
    "question with system": [(S, "Be brief."), (U, "What is 2 + 2?")],
    "answer": [(U, "What is 2 + 2?"), (A, "4")],
    "three turns": [(U, "Hi"), (A, "Hello!"), (U, "Say it in Greek"), (A, "Γειά σου"), (U, "Thanks")],
    "with system and answers": [(S, "Speak like a pirate"), (U, "Hi"), (A, "Ahoy"), (U, "Bye"), (A, "Farewell")],
    "white space": [(U, "  spaces \u00a0\t\n\n"), (A, "\n answer \n"), (U, "")],
    "unicode": [(U, "emoji 👩‍👩‍👧 é \U0001f600 '\"<>&{{ }}"), (A, "{% if %} \\n \u2028 ünï")],
    "wrong order": [(U, "a"), (U, "b")],
    "system only": [(S, "Nobody asks")],
}
SNIPPETS = json.loads((HERE / "snippets-in.json").read_text(encoding="utf-8"))


def rendered(template, **variables):
    try:
        texts, spans = chat.render_jinja_template(
            [variables.pop("messages")], chat_template=template, return_assistant_tokens_mask=True, **variables
        )
        return {"text": texts[0], "generations": [list(s) for s in spans[0]]}
    except (jinja2.TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError) as e:
        return {"error": type(e).__name__}


def chats():
    for path in sorted((HERE / "templates").glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for name, turns in CONVERSATIONS.items():
            messages = [{"role": r, "content": c} for r, c in turns]
            for prompt in (False, True):
                yield {
                    "template": path.name,
                    "conversation": name,
                    "messages": messages,
                    "prompt": prompt,
                    **rendered(template, messages=messages, add_generation_prompt=prompt, **SPECIAL),
                }


def snippets():
    messages = [{"role": r, "content": c} for r, c in CONVERSATIONS["with system and answers"]]
    for template in SNIPPETS:
        yield {"template": template, **rendered(template, messages=messages, add_generation_prompt=False, **SPECIAL)}


def write(name, cases):
    text = json.dumps(list(cases), ensure_ascii=True, indent=1)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


write("chats.json", chats())
write("snippets.json", snippets())
