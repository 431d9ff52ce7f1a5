"""Writes preferences.json: questions of the quickstart with their right answer preferred to another question's.

Run: python make_preferences.py
"""

import json
from pathlib import Path

HERE = Path(__file__).parent
RECORDS = 200

records = json.loads((HERE.parent / "quickstart" / "train.json").read_text(encoding="utf-8"))[: 4 * RECORDS]
pairs = []
for index, record in enumerate(records):
    others = [other["output"] for other in records[index + 1 :] if other["instruction"] == record["instruction"]]
    wrong = next((answer for answer in others if answer != record["output"]), None)
    if wrong is None or len(pairs) == RECORDS:
        continue
    question = {key: record[key] for key in ("instruction", "input", "system")}
    pairs.append({**question, "chosen": record["output"], "rejected": wrong})

text = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs)
(HERE / "preferences.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")
