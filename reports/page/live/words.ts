// The words of the live page in both languages, and which of the two shows: the one chosen last, at first the browser's.
const english = {
  sweeps: "Sweeps",
  hosts: "Hosts",
  noSweeps: "No sweep yet. Start one: sweep run FILE",
  noHosts: "No agent has connected. 'sweep serve' prints how agents join.",
  name: "Name",
  status: "Status",
  trials: "Trials",
  best: "Best",
  metric: "Metric",
  method: "Method",
  running: "running",
  paused: "paused",
  stopped: "stopped",
  finished: "finished",
  pending: "pending",
  assigned: "assigned",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  connected: "connected",
  draining: "draining",
  quarantined: "quarantined",
  suspect: "silent",
  lost: "lost",
  healthy: "healthy",
  overfitting: "overfitting",
  underfitting: "underfitting",
  diverged: "diverged",
  plateaued: "plateaued",
  inconclusive: "inconclusive",
  answer: "The answer so far",
  noAnswer: "No trial has a result yet.",
  tryNext: "Run next",
  clear: "a clear answer",
  likely: "likely, not certain",
  open: "an open race",
  probability: "Probability that no other configuration is better",
  behind: "behind",
  runnerUp: "Runner-up",
  objective: "Objective over trials",
  bestSoFar: "best so far",
  curves: "Curves",
  smoothing: "Smoothing",
  log: "Log axis",
  board: "Leader board",
  filter: "Filter, such as: running or rank=8",
  trial: "Trial",
  state: "State",
  verdict: "Verdict",
  step: "Step",
  time: "Time",
  host: "Host",
  more: "Show all",
  timeline: "Timeline",
  stop: "Stop",
  pause: "Pause",
  resume: "Resume",
  clone: "Clone with changes",
  command: "In the shell",
  copy: "Copy",
  copied: "Copied",
  sure: "Stop for good?",
  parameters: "Parameters",
  values: "Values",
  log_: "Log",
  samples: "Samples",
  attempts: "Attempts",
  diagnosis: "Diagnosis",
  none: "none",
  back: "Back to the sweep",
  live: "live",
  away: "The coordinator is away. This page comes back with it.",
  language: "中文",
  theme: "Dark or light",
  viewer: "You may look. Actions need the role submit.",
  reset: "Whole range",
  why: "Reason",
  devices: "Devices",
  runs: "Runs",
  done: "Done",
  changes: 'Changes as JSON, such as {"learning_rate": 0.001}',
  badJson: "This is not a JSON object.",
  skip: "Skip to content",
  lastly: "Newest",
  seed: "Seed",
}
type Words = Readonly<Record<keyof typeof english, string>>

const chinese: Words = {
  sweeps: "搜索",
  hosts: "主机",
  noSweeps: "还没有搜索。运行 sweep run FILE 开始一个",
  noHosts: "还没有代理连上。sweep serve 会打印加入的命令。",
  name: "名称",
  status: "状态",
  trials: "试验",
  best: "最佳",
  metric: "指标",
  method: "方法",
  running: "运行中",
  paused: "已暂停",
  stopped: "已停止",
  finished: "已结束",
  pending: "等待中",
  assigned: "已分派",
  completed: "已完成",
  failed: "失败",
  cancelled: "已取消",
  connected: "已连接",
  draining: "收尾中",
  quarantined: "已隔离",
  suspect: "无应答",
  lost: "失联",
  healthy: "正常",
  overfitting: "过拟合",
  underfitting: "欠拟合",
  diverged: "发散",
  plateaued: "停滞",
  inconclusive: "无法判断",
  answer: "目前的结论",
  noAnswer: "还没有试验给出结果。",
  tryNext: "下一次这样跑",
  clear: "结论明确",
  likely: "很可能，但不确定",
  open: "尚无定论",
  probability: "没有其他配置更好的概率",
  behind: "落后",
  runnerUp: "第二名",
  objective: "各试验的目标值",
  bestSoFar: "目前最佳",
  curves: "曲线",
  smoothing: "平滑",
  log: "对数轴",
  board: "排行榜",
  filter: "筛选，例如 running 或 rank=8",
  trial: "试验",
  state: "状态",
  verdict: "诊断",
  step: "步",
  time: "用时",
  host: "主机",
  more: "全部显示",
  timeline: "时间线",
  stop: "停止",
  pause: "暂停",
  resume: "继续",
  clone: "修改后再跑",
  command: "对应的命令",
  copy: "复制",
  copied: "已复制",
  sure: "停止后不能恢复，确定？",
  parameters: "参数",
  values: "数值",
  log_: "日志",
  samples: "样例",
  attempts: "尝试",
  diagnosis: "诊断",
  none: "无",
  back: "返回搜索",
  live: "实时",
  away: "协调器暂时不在，恢复后本页自动接上。",
  language: "English",
  theme: "深色或浅色",
  viewer: "你可以查看。操作需要 submit 角色。",
  reset: "全部范围",
  why: "原因",
  devices: "设备",
  runs: "正在运行",
  done: "完成",
  changes: '用 JSON 写出修改，例如 {"learning_rate": 0.001}',
  badJson: "这不是 JSON 对象。",
  skip: "跳到正文",
  lastly: "最新",
  seed: "种子",
}

const kept = (name: string): string | null => {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
const keep = (name: string, value: string) => {
  try {
    localStorage.setItem(name, value)
  } catch {
    // A browser that keeps nothing: the choice holds for this visit.
  }
}

let chosen: "en" | "zh" =
  (kept("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en")) === "zh" ? "zh" : "en"

export const language = (): "en" | "zh" => chosen
export const w = (key: keyof Words): string => (chosen === "zh" ? chinese : english)[key]
/** A state or verdict; one that this page does not know stands for itself. */
export const named = (key: string): string => (Object.hasOwn(english, key) ? w(key as keyof Words) : key)

export const applyLanguage = (): void => {
  document.documentElement.lang = chosen
}
export const switchLanguage = (): void => {
  chosen = chosen === "en" ? "zh" : "en"
  keep("language", chosen)
  applyLanguage()
}
export const applyTheme = (): void => {
  const theme = kept("theme")
  if (theme === "dark" || theme === "light") document.documentElement.dataset["theme"] = theme
}
const isDark = (): boolean =>
  (document.documentElement.dataset["theme"] ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"
export const switchTheme = (): void => {
  keep("theme", isDark() ? "light" : "dark")
  applyTheme()
}

export const number = (value: unknown): string => {
  if (typeof value !== "number") return typeof value === "string" ? value : (JSON.stringify(value) ?? "")
  if (!Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7))
    return value
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e")
  return String(Number(value.toPrecision(5)))
}
export const duration = (ms: number): string => {
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}
