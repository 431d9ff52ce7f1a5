// How to run it again.
import type { Text } from "../Say.ts"

export const reproduce = {
  lead: {
    en: "The same file and seed give the same trials; the same seed and versions give the same losses on the same device.",
    zh: "相同的文件与种子给出相同的试验；在同一设备上，相同的种子与版本给出相同的损失。",
  },
  commands: { en: "Commands", zh: "命令" },
  file: { en: "Sweep file", zh: "搜索文件" },
  noFile: { en: "The text of the sweep file was not kept.", zh: "未保留搜索文件的文本。" },
  data: { en: "Model and data", zh: "模型与数据" },
  model: { en: "Model", zh: "模型" },
  train: { en: "Train", zh: "训练集" },
  eval: { en: "Eval", zh: "评估集" },
  records: (records: string, size: string): Text => ({
    en: `${records} records, ${size}`,
    zh: `${records} 条，${size}`,
  }),
  seed: { en: "Sweep seed", zh: "搜索种子" },
  trialSeed: { en: "Best trial's seed", zh: "最佳试验的种子" },
  method: { en: "Method", zh: "搜索方法" },
  versions: { en: "Versions", zh: "版本" },
  runAll: { en: "run the sweep again", zh: "重新运行搜索" },
  bestOnly: { en: "print the best configuration", zh: "打印最佳配置" },
  export: { en: "every metric as Parquet", zh: "以 Parquet 导出全部指标" },
} as const
