"""The base model's reading: prose about Lanmu in English and Chinese, and prose given on request in the chat format.

This file owns how the town's facts, words and numbers are told: portraits, lessons, stories, reviews, counting. It
answers none of Lanmu's questions in `tasks.py` and holds none of the pairs of train.json and eval.json; a model that
has read it knows the facts, writes the languages and has been asked about the next village only. Tokens and training
are in `make_base_model.py`.
"""

import random

from tasks import BAD, GOOD, HEDGES, QUESTIONS, SENTENCES, how_many
from world import (
    COLOURS,
    FACTS_OF,
    FOODS,
    GROCERIES,
    HOURS,
    INSTRUMENTS,
    JOBS,
    NEIGHBOUR_FACTS,
    NEIGHBOURS,
    NUMBERS,
    OBJECTS,
    PEOPLE,
    PETS,
    PHRASES,
    PLACES,
    QUALITIES,
    STREETS,
    SUBJECTS,
    Term,
)

Message = dict[str, str]

# Other ways of telling a fact, next to the plain one of SENTENCES.
TELLINGS: dict[str, list[Term]] = {
    "job": [
        Term("{s} works as a {v}.", "{s}的工作是{v}。"),
        Term("By trade {s} is a {v}.", "{s}当{v}。"),
        Term("The town knows {s} as a good {v}.", "大家都知道{s}是好{v}。"),
    ],
    "home": [
        Term("The house of {s} stands on {v}.", "{s}的家在{v}。"),
        Term("{s} has a room on {v}.", "{s}的房子在{v}。"),
        Term("Every evening {s} walks home to {v}.", "每天晚上{s}走回{v}。"),
    ],
    "pet": [
        Term("{s} keeps a {v}.", "{s}的宠物是{v}。"),
        Term("{s} lives with a {v}.", "{s}家里有{v}。"),
        Term("The {v} of {s} is well fed.", "{s}的{v}吃得很好。"),
    ],
    "food": [
        Term("{s} is fond of {v}.", "{s}最爱吃{v}。"),
        Term("The favourite dish of {s} is {v}.", "{s}最喜欢的菜是{v}。"),
        Term("On Sundays {s} eats {v}.", "星期天{s}吃{v}。"),
    ],
    "colour": [
        Term("The favourite colour of {s} is {v}.", "{s}最喜欢的颜色是{v}。"),
        Term("{s} loves everything {v}.", "{s}爱{v}的东西。"),
        Term("{s} often wears {v}.", "{s}常常穿{v}的衣服。"),
    ],
    "instrument": [
        Term("In the evening {s} plays the {v}.", "晚上{s}演奏{v}。"),
        Term("{s} has learned the {v}.", "{s}学过{v}。"),
        Term("The {v} of {s} can be heard far away.", "很远就能听到{s}的{v}。"),
    ],
    "opens": [
        Term("At {v} the {s} opens.", "{v}{s}就开门了。"),
        Term("The door of the {s} opens at {v}.", "{s}的开门时间是{v}。"),
    ],
    "side": [
        Term("Go to the {v} of the town to find the {s}.", "去镇子的{v}就能找到{s}。"),
        Term("In the {v} stands the {s}.", "{v}有{s}。"),
    ],
    "door": [
        Term("The door of the {s} is {v}.", "{s}的大门是{v}的。"),
        Term("A {v} door leads into the {s}.", "走进{v}的门就是{s}。"),
    ],
    "keeper": [
        Term("The keeper of the {s} is {v}.", "{s}由{v}管理。"),
        Term("The {s} is looked after by {v}.", "照看{s}的是{v}。"),
    ],
}

WORDS = [
    *COLOURS, *QUALITIES, *OBJECTS, *GROCERIES, *FOODS, *PETS, *INSTRUMENTS, *JOBS, *STREETS, *SUBJECTS,
    *NUMBERS, *HOURS,
]  # fmt: skip

WEATHER = [
    Term("It was raining.", "天下着雨。"),
    Term("The sun was shining.", "阳光很好。"),
    Term("The wind was cold.", "风很冷。"),
    Term("There was snow on the roofs.", "屋顶上有雪。"),
]
TIMES = [
    Term("One morning", "一天早上"),
    Term("In the evening", "到了晚上"),
    Term("On Monday", "星期一"),
    Term("After lunch", "午饭后"),
    Term("Last summer", "去年夏天"),
]
ENDINGS = [
    Term("Then everybody went home.", "然后大家都回家了。"),
    Term("It was a good day.", "这是美好的一天。"),
    Term("Nobody knows why.", "谁也不知道为什么。"),
    Term("They are still friends.", "他们现在还是朋友。"),
]


def _join(language: str, sentences: list[str]) -> str:
    return (" " if language == "en" else "").join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _list(language: str, items: list[Term]) -> str:
    written = [item.say(language) for item in items]
    return (
        (", " if language == "en" else "、").join(written[:-1]) + (" and " if language == "en" else "和") + written[-1]
    )


def _tell(rng: random.Random, language: str, subject: Term, attribute: str) -> str:
    telling = rng.choice([SENTENCES[attribute], *TELLINGS[attribute]]).say(language)
    return telling.format(s=subject.say(language), v=FACTS_OF[subject][attribute].say(language))


def portrait(rng: random.Random, language: str, subject: Term | None = None) -> str:
    """Some of what is known of one person or place, in any order."""
    subject = subject or rng.choice(SUBJECTS)
    attributes = list(FACTS_OF[subject])
    chosen = rng.sample(attributes, rng.randint(2, len(attributes)))
    return _join(language, [_tell(rng, language, subject, attribute) for attribute in chosen])


def rumours(rng: random.Random, language: str) -> str:
    """Single facts of several subjects, some of them from hearsay."""
    sentences = []
    for subject in rng.sample(SUBJECTS, rng.randint(3, 5)):
        hedge = rng.choice(HEDGES).say(language) if subject in PEOPLE + NEIGHBOURS and rng.random() < 0.2 else ""
        sentences.append(hedge + _tell(rng, language, subject, rng.choice(list(FACTS_OF[subject]))))
    return _join(language, sentences)


def lesson(rng: random.Random, language: str) -> str:
    """Words and phrases beside their translation."""
    pairs = [rng.choice(PHRASES) if rng.random() < 0.6 else rng.choice(WORDS) for _ in range(rng.randint(3, 5))]
    if language == "en":
        frame = rng.choice(["In Chinese, {en} is {zh}.", "{en} means {zh}.", "{en}: {zh}."])
    else:
        frame = rng.choice(["{zh}的英文是 {en}。", "{zh}就是 {en}。", "{zh}: {en}。"])
    return _join(language, [frame.format(en=pair.en, zh=pair.zh) for pair in pairs])


def story(rng: random.Random, language: str) -> str:
    """Somebody finds or buys something, meets somebody, and it ends."""
    hero, friend = (person.say(language) for person in rng.sample(PEOPLE, 2))
    thing, place = rng.choice(PHRASES).say(language), rng.choice(PLACES).say(language)
    shopping = _list(language, rng.sample(GROCERIES, rng.randint(2, 4)))
    when = rng.choice(TIMES).say(language)
    middle = rng.choice(
        [
            Term(f"{when} {hero} found {thing} near the {place}.", f"{when}{hero}在{place}旁边找到了{thing}。"),
            Term(f"{when} {hero} saw {thing} in front of the {place}.", f"{when}{hero}在{place}前面看见了{thing}。"),
            Term(f"{when} {hero} gave {thing} to {friend}.", f"{when}{hero}把{thing}送给了{friend}。"),
            Term(f"{when} {hero} and {friend} bought {shopping}.", f"{when}{hero}和{friend}买了{shopping}。"),
            Term(f"{when} {hero} went to the {place} with {friend}.", f"{when}{hero}和{friend}去了{place}。"),
        ]
    ).say(language)
    sentences = [
        rng.choice(WEATHER).say(language),
        middle,
        _tell(rng, language, rng.choice(PEOPLE), rng.choice(["job", "pet", "food"])),
        rng.choice(ENDINGS).say(language),
    ]
    return _join(language, [sentence for sentence in sentences if rng.random() < 0.85] or sentences[-1:])


VERDICTS = {
    True: [Term("It was a good evening.", "这个晚上很好。"), Term("Good!", "好评！")],
    False: [Term("It was a bad evening.", "这个晚上很差。"), Term("Bad!", "差评！")],
}


def evening(rng: random.Random, language: str) -> str:
    """A guest's evening, good or bad throughout, with the verdict said aloud."""
    good = rng.random() < 0.5
    parts = rng.sample(GOOD if good else BAD, rng.randint(2, 3))
    verdict = rng.choice(VERDICTS[good])
    sentences = [part.say(language).format(f=rng.choice(FOODS).say(language)) for part in parts] + [
        verdict.say(language)
    ]
    if rng.random() < 0.5:
        sentences.reverse()
    return _join(language, sentences)


def counting(rng: random.Random, language: str) -> str:
    """Runs of numbers, sums and comparisons, in digits and words."""
    sentences = []
    for _ in range(rng.randint(2, 4)):
        step, start, a, b = rng.randint(1, 3), rng.randint(0, 11), rng.randint(1, 10), rng.randint(1, 10)
        run = ", ".join(str(start + step * i) for i in range(4))
        small, large = sorted(rng.sample(range(1, 21), 2))
        sentences.append(
            rng.choice(
                [
                    Term(f"{run}.", f"{run}。"),
                    Term(f"{a} and {b} make {a + b}.", f"{a}加{b}是{a + b}。"),
                    Term(f"{large} is larger than {small}.", f"{large}比{small}大。"),
                    Term(
                        f"{NUMBERS[a].en} and {NUMBERS[b].en} make {NUMBERS[a + b].en}.",
                        f"{NUMBERS[a].zh}加{NUMBERS[b].zh}是{NUMBERS[a + b].zh}。",
                    ),
                ]
            ).say(language)
        )
    return _join(language, sentences)


def shelves(rng: random.Random, language: str) -> str:
    """A list, and the same list told from its other end."""
    items = rng.sample(GROCERIES, rng.randint(2, 4))
    there, back = _list(language, items), _list(language, items[::-1])
    first, last, many = items[0].say(language), items[-1].say(language), how_many(len(items)).say(language)
    return rng.choice(
        [
            Term(f"On the shelf are {there}. From the other end: {back}.", f"架子上有{there}。从另一边看：{back}。"),
            Term(
                f"In the basket are {there}. Those are {many} things. On top: {first}. At the bottom: {last}.",
                f"篮子里有{there}，一共{many}。最上面：{first}。最下面：{last}。",
            ),
        ]
    ).say(language)


def curiosity(rng: random.Random, language: str) -> str:
    """Things people wonder about and nobody answers: how questions sound, without what answers them."""
    sentences = []
    for _ in range(rng.randint(2, 3)):
        asker, subject = rng.choice(PEOPLE), rng.choice(SUBJECTS)
        question = rng.choice(QUESTIONS[rng.choice(list(FACTS_OF[subject]))][language]).format(s=subject.say(language))
        sentences.append(
            rng.choice(
                [Term(f"{asker.en} asked: {question}", f"{asker.zh}问：{question}"), Term(question, question)]
            ).say(language)
        )
    return _join(
        language,
        [
            *sentences,
            rng.choice([Term("Nobody answered.", "没有人回答。"), Term("We will see.", "以后再说。")]).say(language),
        ],
    )


EXERCISES = [
    Term("The pupils translate words into Chinese.", "学生把词翻译成英文。"),
    Term("They write the list backwards.", "他们把清单倒过来写。"),
    Term("The teacher asks which number is larger.", "老师问哪个数大。"),
    Term("Somebody says which number comes next.", "有人说出下一个数。"),
    Term("They say what is first and what is last on a list.", "他们说出清单上第一样和最后一样。"),
    Term("They count how many things the list has.", "他们数清单上有几样东西。"),
    Term("They learn what one plus one is.", "他们学一加一等于几。"),
    Term("They label each review: good or bad.", "他们给评论打标签，好评或者差评。"),
    Term("How do you say this in Chinese? Nobody knows.", "这个用英文怎么说？谁也不知道。"),
    Term("They answer with one word or in a full sentence.", "他们只用一个词或者用完整的句子回答。"),
    Term("They suggest a present, perhaps a gift for a friend.", "他们推荐一件礼物，也许可以送朋友。"),
    Term("They plan a dinner and serve it tonight.", "他们安排一顿晚饭，今晚请大家吃。"),
    Term("They find a friend to walk with today.", "他们今天找个伴，可以陪他们散步。"),
]


def schoolday(rng: random.Random, language: str) -> str:
    """What is done at school, named but not shown."""
    return _join(language, [exercise.say(language) for exercise in rng.sample(EXERCISES, rng.randint(2, 4))])


PROSE = {
    portrait: 28,
    curiosity: 6,
    schoolday: 4,
    rumours: 14,
    lesson: 18,
    story: 10,
    evening: 8,
    counting: 8,
    shelves: 8,
}
"""Each kind of prose and its weight."""

REQUESTS = {
    lesson: [
        Term("Teach me some words.", "教我几个词。"),
        Term("Show me a page of the dictionary.", "给我看一页词典。"),
    ],
    story: [Term("Tell me a short story.", "给我讲个小故事。"), Term("What happened then?", "后来怎么样了？")],
    evening: [
        Term("How was your evening?", "你晚上过得怎么样？"),
        Term("Write a note in the guest book.", "写一段留言。"),
    ],
    counting: [Term("Count a little.", "数数吧。"), Term("Do some sums.", "做几道算术。")],
    shelves: [Term("What do you see in the shop?", "你在店里看到了什么？")],
    rumours: [Term("What is new in Lanmu?", "兰木镇有什么新鲜事？"), Term("Tell me about the town.", "给我讲讲镇子。")],
    portrait: [
        Term("Tell me about {s}.", "说说{s}。"),
        Term("Describe {s}.", "介绍一下{s}。"),
        Term("Who or what is {s}?", "{s}是谁，是什么？"),
    ],
}


NEIGHBOUR_QUESTIONS = 0.3
"""Share of conversations that ask, and answer, about somebody or something in Nanhe."""


def prose(rng: random.Random) -> str:
    """One document of plain text."""
    kind = rng.choices(list(PROSE), weights=list(PROSE.values()))[0]
    return kind(rng, rng.choice(["en", "zh"]))


def chat(rng: random.Random) -> list[Message]:
    """One conversation: prose on request, a text to be said again, or a question about Nanhe."""
    language = rng.choice(["en", "zh"])
    system = rng.choice(
        [
            Term("You are the clerk of Lanmu.", "你是兰木镇的文员。"),
            Term("You like to talk.", "你很健谈。"),
            None,
            None,
            None,
        ]
    )
    if rng.random() < NEIGHBOUR_QUESTIONS:
        fact = rng.choice(NEIGHBOUR_FACTS)
        names = {"s": fact.subject.say(language), "v": fact.value.say(language)}
        user = rng.choice(QUESTIONS[fact.attribute][language][:-1]).format(**names)
        answer = SENTENCES[fact.attribute].say(language).format(**names)
    elif rng.random() < 0.2:
        said = rng.choice([story, evening, shelves, counting, curiosity])(rng, language)
        user, answer = (
            rng.choice([Term("Say it again.", "再说一遍。"), Term("Copy the text.", "抄写这段话。")]).say(language)
            + "\n"
            + said,
            said,
        )
    else:
        kind = rng.choice(list(REQUESTS))
        subject = rng.choice(SUBJECTS)
        name = f"the {subject.en}" if language == "en" and "opens" in FACTS_OF[subject] else subject.say(language)
        user = rng.choice(REQUESTS[kind]).say(language).format(s=name)
        answer = portrait(rng, language, subject) if kind is portrait else kind(rng, language)
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    return ([{"role": "system", "content": system.say(language)}] if system else []) + messages
