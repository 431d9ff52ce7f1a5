// The names of the standard metrics.
import type { Text } from "../Say.ts"
import { code } from "./words.ts"

const metricNames: Readonly<Record<string, Text>> = {
  "eval/loss": { en: "eval loss", zh: "评估损失" },
  "train/loss": { en: "train loss", zh: "训练损失" },
  "eval/perplexity": { en: "eval perplexity", zh: "评估困惑度" },
  "eval/token_accuracy": { en: "eval token accuracy", zh: "评估词元准确率" },
}

/** The field's words for the standard metrics, the name itself for any other. */
export const metricName = (name: string): Text =>
  Object.hasOwn(metricNames, name) ? metricNames[name]! : { en: code(name), zh: code(name) }
