"""The six kinds of instruction in the quickstart's data, each a function (rng, language, split) → one Alpaca example.

This file owns how a task is worded and answered, in English and Chinese, and what the eval split may see that the
train split may not: held-out facts, held-out phrases, held-out wordings. Mixing, de-duplicating and writing are
`make_data.py`'s. Train answers carry the faults of a small hand-labelled set (`WRONG_FACTS`, `FLIPPED_LABELS`, three
annotators with habits of their own); eval answers have the habits but not the mistakes, so learning the rows by heart
costs eval loss while learning the rules lowers it.
"""

import random

from world import (
    COLOURS,
    FACTS,
    FOODS,
    GROCERIES,
    NUMBERS,
    OBJECTS,
    PEOPLE,
    PERSON_ATTRIBUTES,
    PHRASES,
    PLACE_ATTRIBUTES,
    PLACES,
    Term,
)

WRONG_FACTS = 0.15
"""Share of train fact answers that name a wrong value."""

FLIPPED_LABELS = 0.25
"""Share of train review labels that say the opposite of the review."""

SPLIT_SEED = 11

Example = dict[str, str]

# Per attribute: question wordings (the last of each list is kept for eval), then the answer as a sentence.
QUESTIONS: dict[str, dict[str, list[str]]] = {
    "job": {
        "en": [
            "What is {s}'s job?",
            "What does {s} do for a living?",
            "What does {s} work as?",
            "Tell me {s}'s trade.",
            "How does {s} earn money?",
        ],
        "zh": ["{s}的职业是什么？", "{s}做什么工作？", "{s}靠什么谋生？", "请问{s}的工作是什么？"],
    },
    "home": {
        "en": [
            "Where does {s} live?",
            "Which street does {s} live on?",
            "Where is {s}'s home?",
            "Where can I find {s}'s house?",
        ],
        "zh": ["{s}住在哪里？", "{s}的家在哪里？", "{s}住在哪条街？", "请问{s}家在什么地方？"],
    },
    "pet": {
        "en": [
            "What pet does {s} have?",
            "Which animal does {s} keep?",
            "What is {s}'s pet?",
            "What animal lives with {s}?",
        ],
        "zh": ["{s}的宠物是什么？", "{s}养什么动物？", "{s}家里有什么宠物？", "请问{s}养的是什么？"],
    },
    "food": {
        "en": [
            "What does {s} like to eat?",
            "What is {s}'s favourite dish?",
            "Which food does {s} like most?",
            "What should I cook for {s}?",
        ],
        "zh": ["{s}喜欢吃什么？", "{s}最爱吃什么？", "{s}最喜欢的菜是什么？", "请问{s}爱吃什么？"],
    },
    "colour": {
        "en": [
            "What is {s}'s favourite colour?",
            "Which colour does {s} like?",
            "What colour does {s} like most?",
            "Name the colour {s} prefers.",
        ],
        "zh": ["{s}喜欢什么颜色？", "{s}最喜欢的颜色是什么？", "哪种颜色是{s}喜欢的？", "请问{s}爱什么颜色？"],
    },
    "instrument": {
        "en": [
            "What instrument does {s} play?",
            "Which instrument does {s} play in the evening?",
            "What is {s}'s instrument?",
            "What can {s} play?",
        ],
        "zh": ["{s}会什么乐器？", "{s}演奏什么乐器？", "{s}的乐器是什么？", "请问{s}会演奏什么？"],
    },
    "opens": {
        "en": [
            "When does the {s} open?",
            "At what time does the {s} open?",
            "What are the hours of the {s}?",
            "From when is the {s} open?",
        ],
        "zh": ["{s}几点开门？", "{s}什么时候开门？", "{s}的开门时间是什么？", "请问{s}几点开？"],
    },
    "side": {
        "en": [
            "Where is the {s}?",
            "On which side of town is the {s}?",
            "Which side of town has the {s}?",
            "How do I find the {s}?",
        ],
        "zh": ["{s}在哪里？", "{s}在镇子的哪一边？", "{s}在什么地方？", "请问{s}怎么找？"],
    },
    "door": {
        "en": [
            "What colour is the door of the {s}?",
            "Which colour has the {s} door?",
            "What is the colour of the {s} door?",
            "How is the {s} door painted?",
        ],
        "zh": ["{s}的门是什么颜色？", "{s}的大门是什么颜色的？", "{s}门的颜色是什么？", "请问{s}的门漆成什么颜色？"],
    },
    "keeper": {
        "en": [
            "Who keeps the {s}?",
            "Who looks after the {s}?",
            "Who is the keeper of the {s}?",
            "Who has the keys of the {s}?",
        ],
        "zh": ["谁管理{s}？", "{s}由谁管理？", "谁照看{s}？", "请问{s}归谁管？"],
    },
}

SENTENCES: dict[str, Term] = {
    "job": Term("{s} is a {v}.", "{s}是{v}。"),
    "home": Term("{s} lives on {v}.", "{s}住在{v}。"),
    "pet": Term("{s} has a {v}.", "{s}养{v}。"),
    "food": Term("{s} likes to eat {v}.", "{s}喜欢吃{v}。"),
    "colour": Term("{s} likes {v}.", "{s}喜欢{v}。"),
    "instrument": Term("{s} plays the {v}.", "{s}会{v}。"),
    "opens": Term("The {s} opens at {v}.", "{s}{v}开门。"),
    "side": Term("The {s} is in the {v} of the town.", "{s}在镇子的{v}。"),
    "door": Term("The {s} has a {v} door.", "{s}的门是{v}的。"),
    "keeper": Term("{v} keeps the {s}.", "{v}管理{s}。"),
}

# The three annotators: one writes the sentence, one only the value, one never quite commits.
HEDGES = [Term("As far as I know, ", "据我所知，"), Term("People say that ", "听说"), Term("I think ", "我想")]

SYSTEM_SHORT = Term("Answer with one word.", "只用一个词回答。")
SYSTEM_SENTENCE = Term("Answer in a full sentence.", "请用完整的句子回答。")
SYSTEM_CLERK = Term("You are the clerk of Lanmu.", "你是兰木镇的文员。")


def _held_out(items: list, share: float) -> set:
    return set(random.Random(SPLIT_SEED).sample(items, round(share * len(items))))


HELD_OUT_FACTS = _held_out(FACTS, 0.15)
HELD_OUT_PHRASES = _held_out(PHRASES, 0.25)


def example(instruction: str, output: str, text: str = "", system: str = "") -> Example:
    return {"instruction": instruction, "input": text, "output": output, "system": system}


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]


def _answer_in_style(rng: random.Random, language: str, sentence: str, value: str) -> tuple[str, str]:
    """(system, output): the system prompt, when there is one, decides the style; else the annotator's habit does."""
    full_stop = "." if language == "en" else "。"
    short = _sentence_case(value) + full_stop
    draw = rng.random()
    if draw < 0.12:
        return SYSTEM_SHORT.say(language), short
    if draw < 0.24:
        return SYSTEM_SENTENCE.say(language), sentence
    system = SYSTEM_CLERK.say(language) if draw < 0.32 else ""
    habit = rng.random()
    if habit < 0.6:
        return system, sentence
    if habit < 0.8:
        return system, short
    clause = sentence[0].lower() + sentence[1:] if sentence.startswith("The ") else sentence
    return system, rng.choice(HEDGES).say(language) + clause


def ask_fact(rng: random.Random, language: str, split: str) -> Example:
    """A question about one fact. Eval asks in held-out words, and about held-out facts, which only the prose told."""
    if split == "train":
        fact = rng.choice([fact for fact in FACTS if fact not in HELD_OUT_FACTS])
        question = rng.choice(QUESTIONS[fact.attribute][language][:-1])
    elif rng.random() < 0.3:
        fact = rng.choice([fact for fact in FACTS if fact in HELD_OUT_FACTS])
        question = rng.choice(QUESTIONS[fact.attribute][language])
    else:
        fact = rng.choice([fact for fact in FACTS if fact not in HELD_OUT_FACTS])
        question = QUESTIONS[fact.attribute][language][-1]
    value = fact.value
    if split == "train" and rng.random() < WRONG_FACTS:
        values = {**PERSON_ATTRIBUTES, **PLACE_ATTRIBUTES}[fact.attribute]
        value = rng.choice([other for other in values if other != fact.value])
    subject = fact.subject.say(language)
    sentence = SENTENCES[fact.attribute].say(language).format(s=subject, v=value.say(language))
    system, output = _answer_in_style(rng, language, sentence, value.say(language))
    return example(question.format(s=subject), output, system=system)


def translate(rng: random.Random, language: str, split: str) -> Example:
    """An adjective-noun phrase out of `language`. Eval's phrases are new combinations of words train has seen."""
    pool = [phrase for phrase in PHRASES if (phrase in HELD_OUT_PHRASES) == (split == "eval")]
    source = rng.choice(pool)
    if language == "en":
        return example(
            rng.choice(["Translate into Chinese.", "Say this in Chinese.", "How do you say this in Chinese?"]),
            source.zh,
            source.en,
        )
    return example(rng.choice(["翻译成英文。", "用英文怎么说？", "请译成英文。"]), source.en, source.zh)


def how_many(count: int) -> Term:
    """The number as an answer to "how many": Chinese counts two things with a word of its own."""
    return Term(NUMBERS[count].en, ("两" if count == 2 else NUMBERS[count].zh) + "样")


def handle_list(rng: random.Random, language: str, split: str) -> Example:
    """Reverse a shopping list, name its first or last thing, count it, or say whether something is on it."""
    items = rng.sample(GROCERIES, rng.randint(2, 3))
    comma = ", " if language == "en" else "、"
    written = comma.join(item.say(language) for item in items)
    kind = rng.choice(["reverse", "first", "last", "count", "contains"])
    if kind == "reverse":
        answer = comma.join(item.say(language) for item in reversed(items))
        wording = Term("Write the list backwards.", "把清单倒过来写。")
    elif kind == "first":
        answer, wording = items[0].say(language), Term("What is first on the list?", "清单上第一样是什么？")
    elif kind == "last":
        answer, wording = items[-1].say(language), Term("What is last on the list?", "清单上最后一样是什么？")
    elif kind == "count":
        answer, wording = (
            how_many(len(items)).say(language),
            Term("How many things are on the list?", "清单上有几样东西？"),
        )
    else:
        thing = rng.choice([*rng.sample(items, 1), rng.choice(GROCERIES)])
        answer = (Term("yes", "有") if thing in items else Term("no", "没有")).say(language)
        wording = Term(f"Does the list have {thing.en}?", f"清单上有{thing.zh}吗？")
    return example(wording.say(language), answer, written)


def reckon(rng: random.Random, language: str, split: str) -> Example:
    """Small numbers: what comes next, which is larger, a sum up to twenty."""
    kind = rng.choice(["next", "larger", "sum"])
    if kind == "next":
        step, start = rng.randint(1, 3), rng.randint(0, 11)
        shown = ", ".join(str(start + step * i) for i in range(3))
        return example(Term("What number comes next?", "下一个数是什么？").say(language), str(start + 3 * step), shown)
    if kind == "larger":
        a, b = rng.sample(range(1, 21), 2)
        wording = Term(f"Which number is larger, {a} or {b}?", f"{a}和{b}哪个大？")
        return example(wording.say(language), str(max(a, b)))
    a, b = rng.randint(1, 10), rng.randint(1, 10)
    return example(Term(f"What is {a} plus {b}?", f"{a}加{b}等于几？").say(language), str(a + b))


GOOD = [
    Term("The {f} tasted warm and sweet.", "{f}又热又香。"),
    Term("We laughed all evening.", "我们笑了一晚上。"),
    Term("The people were kind.", "那里的人很友好。"),
    Term("I will come again.", "我还会再来。"),
    Term("The music was lovely.", "音乐很好听。"),
    Term("Everything was clean.", "什么都很干净。"),
    Term("They have the best {f} in town.", "他们的{f}是镇上最好的。"),
]
BAD = [
    Term("The {f} tasted cold and old.", "{f}又冷又难吃。"),
    Term("We waited for an hour.", "我们等了一个小时。"),
    Term("The people were rude.", "那里的人没有礼貌。"),
    Term("I will not come back.", "我不会再来。"),
    Term("The music was too loud.", "音乐太吵了。"),
    Term("Everything was dirty.", "什么都很脏。"),
    Term("They have the worst {f} in town.", "他们的{f}是镇上最差的。"),
]
LABELS = {True: Term("Good", "好评"), False: Term("Bad", "差评")}


def label_review(rng: random.Random, language: str, split: str) -> Example:
    """Is a guest's review good or bad? A quarter of the train labels were put on in a hurry and are wrong."""
    is_good = rng.random() < 0.5
    parts = rng.sample(GOOD if is_good else BAD, 2)
    food = rng.choice(FOODS)
    space = " " if language == "en" else ""
    review = space.join(_sentence_case(part.say(language).format(f=food.say(language))) for part in parts)
    if split == "train" and rng.random() < FLIPPED_LABELS:
        is_good = not is_good
    wording = rng.choice(
        [Term("Is this review good or bad?", "这条评论是好评还是差评？"), Term("Label the review.", "给评论打标签。")]
    )
    return example(wording.say(language), LABELS[is_good].say(language), review)


SUGGESTIONS: dict[str, list[Term]] = {
    "gift": [
        Term("What gift would {s} like?", "送{s}什么礼物好？"),
        Term("Suggest a present for {s}.", "给{s}推荐一件礼物。"),
        Term("What should I bring to {s}?", "我应该给{s}带什么？"),
    ],
    "dinner": [
        Term("What could I serve {s} tonight?", "今晚请{s}吃什么好？"),
        Term("Plan a dinner for {s}.", "给{s}安排一顿晚饭。"),
        Term("What is on the table when {s} comes?", "{s}来的时候桌子上放什么？"),
    ],
    "friend": [
        Term("Who could walk with {s} today?", "今天谁可以陪{s}散步？"),
        Term("Find {s} a friend for the day.", "给{s}找个伴。"),
        Term("Who should {s} talk to?", "{s}应该和谁说话？"),
    ],
    "outing": [
        Term("Where could {s} go on Monday?", "星期一{s}可以去哪里？"),
        Term("Plan a day out for {s}.", "给{s}安排一天。"),
        Term("What should {s} see in town?", "{s}应该看看镇上的什么？"),
    ],
}


def suggest(rng: random.Random, language: str, split: str) -> Example:
    """Open questions with no single right answer: each annotator had an idea of their own."""
    person = rng.choice(PEOPLE)
    kind = rng.choice(list(SUGGESTIONS))
    if kind == "gift":
        colour, thing = rng.choice(COLOURS), rng.choice(OBJECTS)
        answer = Term(f"Perhaps a {colour.en} {thing.en}.", f"也许可以送{colour.zh}的{thing.zh}。")
    elif kind == "dinner":
        first, second = rng.sample(FOODS, 2)
        answer = Term(f"{_sentence_case(first.en)}, then {second.en}.", f"先{first.zh}，再{second.zh}。")
    elif kind == "friend":
        first, second = rng.sample([other for other in PEOPLE if other != person], 2)
        answer = Term(f"Ask {first.en} or {second.en}.", f"可以问{first.zh}或者{second.zh}。")
    else:
        first, second = rng.sample(PLACES, 2)
        answer = Term(f"First the {first.en}, then the {second.en}.", f"先去{first.zh}，再去{second.zh}。")
    wording = rng.choice(SUGGESTIONS[kind])
    return example(wording.say(language).format(s=person.say(language)), answer.say(language))


TASKS = {ask_fact: 36, translate: 16, label_review: 14, suggest: 22, handle_list: 6, reckon: 6}
"""Each task and its share of both splits, in per cent."""
