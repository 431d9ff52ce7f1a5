"""The invented town of Lanmu: who lives there, what stands there, and the words both languages have for it.

This file owns the facts and the bilingual vocabulary. It knows nothing of prose, questions, tokens or models:
`corpus.py` tells these facts as prose for the base model, `tasks.py` asks for them in the Alpaca files.
"""

import random
from typing import NamedTuple

TOWN_SEED = 2024


class Term(NamedTuple):
    """One meaning in both languages."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class Fact(NamedTuple):
    """`subject` (a person or a place) has `value` as its `attribute`."""

    subject: Term
    attribute: str
    value: Term


def _terms(text: str) -> list[Term]:
    pairs = (entry.strip().split("/") for entry in text.replace("\n", ";").split(";") if entry.strip())
    return [Term(en, zh) for en, zh in pairs]


PEOPLE = _terms("""
Mira/米拉; Oskar/奥斯卡; Lena/莱娜; Hugo/雨果; Nadia/娜迪亚; Felix/菲力; Anna/安娜; Boris/鲍里斯
Clara/克拉拉; David/大卫; Emma/艾玛; Ivan/伊万; Julia/朱莉; Karl/卡尔; Laila/莱拉; Marco/马可
Nora/诺拉; Paul/保罗; Rosa/罗莎; Simon/西蒙; Tara/塔拉; Viktor/维克多; Wanda/旺达; Yusuf/尤素夫
""")

PLACES = _terms("""
bakery/面包店; library/图书馆; market/市场; museum/博物馆; school/学校
mill/磨坊; teahouse/茶馆; garden/花园; station/车站; theatre/剧院
""")

# The next village, Nanhe. Nobody there is asked about in the Alpaca files: the base model has seen questions answered
# about these subjects only, so that fine-tuning can carry the habit over to Lanmu.
NEIGHBOURS = _terms("""
Ada/艾达; Bruno/布鲁诺; Elsa/艾莎; Gita/吉塔; Jonas/约纳斯; Kira/基拉; Milo/米洛; Olga/奥尔加
Petra/佩特拉; Stefan/斯特凡; Ines/伊内斯; Leo/利奥; Zoe/佐伊; Raul/劳尔; Vera/薇拉; Theo/西奥
""")

NEIGHBOUR_PLACES = _terms("inn/客栈; tower/塔楼; ferry/渡口; smithy/铁匠铺; temple/寺庙; dairy/奶场")

JOBS = _terms("""
baker/面包师; teacher/老师; doctor/医生; sailor/水手; painter/画家; farmer/农民
tailor/裁缝; carpenter/木匠; postman/邮递员; cook/厨师; gardener/园丁; singer/歌手
""")

STREETS = _terms("""
Mill Street/磨坊街; Bridge Road/桥路; Harbour Lane/港湾巷; Temple Hill/寺庙山
Lotus Square/荷花广场; Willow Row/柳树街; Market Street/市场街; River Bank/河岸
""")

PETS = _terms("cat/猫; dog/狗; parrot/鹦鹉; rabbit/兔子; goat/山羊; turtle/乌龟; pony/小马; duck/鸭子")

FOODS = _terms("""
noodles/面条; bean soup/豆汤; fried rice/炒饭; pancakes/煎饼; dumplings/饺子
fish pie/鱼饼; plum cake/李子蛋糕; honey bread/蜂蜜面包; tofu/豆腐; mushrooms/蘑菇
""")

COLOURS = _terms("red/红色; blue/蓝色; green/绿色; yellow/黄色; white/白色; black/黑色; purple/紫色; grey/灰色")

INSTRUMENTS = _terms(
    "flute/笛子; violin/小提琴; drum/鼓; piano/钢琴; guitar/吉他; trumpet/小号; harp/竖琴; cello/大提琴"
)

SIDES = _terms("north/北边; south/南边; east/东边; west/西边")

HOURS = _terms("six/六点; seven/七点; eight/八点; nine/九点; ten/十点; eleven/十一点")

OBJECTS = _terms("""
boat/船; house/房子; door/门; book/书; lamp/灯; cup/杯子; hat/帽子; coat/外套; flower/花; bird/鸟; horse/马; fish/鱼
tree/树; table/桌子; chair/椅子; bag/包; clock/钟; letter/信; key/钥匙; bell/铃; kite/风筝; bridge/桥; basket/篮子
shoe/鞋
""")

QUALITIES = _terms("big/大; small/小; old/旧; new/新; beautiful/漂亮; heavy/重")

GROCERIES = _terms("""
apples/苹果; bread/面包; tea/茶; rice/米; milk/牛奶; eggs/鸡蛋; salt/盐; plums/李子
beans/豆子; onions/洋葱; honey/蜂蜜; cheese/奶酪; carrots/胡萝卜; pears/梨; fish/鱼; butter/黄油
""")

NUMBERS = _terms("""
zero/零; one/一; two/二; three/三; four/四; five/五; six/六; seven/七; eight/八; nine/九; ten/十
eleven/十一; twelve/十二; thirteen/十三; fourteen/十四; fifteen/十五; sixteen/十六; seventeen/十七
eighteen/十八; nineteen/十九; twenty/二十
""")

PERSON_ATTRIBUTES = {
    "job": JOBS,
    "home": STREETS,
    "pet": PETS,
    "food": FOODS,
    "colour": COLOURS,
    "instrument": INSTRUMENTS,
}
PLACE_ATTRIBUTES = {"opens": HOURS, "side": SIDES, "door": COLOURS, "keeper": PEOPLE}


def _found(name: str, people: list[Term], places: list[Term]) -> list[Fact]:
    rng = random.Random(f"{TOWN_SEED}/{name}")
    facts = []
    for subjects, attributes in ((people, PERSON_ATTRIBUTES), (places, PLACE_ATTRIBUTES)):
        for attribute, values in attributes.items():
            # Every value is used about equally often, so that no answer can be guessed from its frequency.
            deck = values * (len(subjects) // len(values) + 1)
            rng.shuffle(deck)
            facts += [Fact(subject, attribute, value) for subject, value in zip(subjects, deck, strict=False)]
    return facts


FACTS = _found("Lanmu", PEOPLE, PLACES)
"""All 184 facts of the town: six of each person, four of each place."""

NEIGHBOUR_FACTS = _found("Nanhe", NEIGHBOURS, NEIGHBOUR_PLACES)

SUBJECTS = [*PEOPLE, *PLACES, *NEIGHBOURS, *NEIGHBOUR_PLACES]

FACTS_OF: dict[Term, dict[str, Term]] = {subject: {} for subject in SUBJECTS}
for _fact in FACTS + NEIGHBOUR_FACTS:
    FACTS_OF[_fact.subject][_fact.attribute] = _fact.value


def phrase(adjective: Term, noun: Term) -> Term:
    """ "a red boat" / "红色的船"."""
    article = "an" if adjective.en[0] in "aeiou" else "a"
    return Term(f"{article} {adjective.en} {noun.en}", f"{adjective.zh}的{noun.zh}")


PHRASES = [phrase(adjective, noun) for adjective in COLOURS + QUALITIES for noun in OBJECTS]
"""All 336 adjective-noun phrases that can be translated."""
