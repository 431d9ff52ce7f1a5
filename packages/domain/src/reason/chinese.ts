// 各种原因的中文句子：代码与英文相同。
import type { Catalogue } from "./Catalogue.ts"
import { choice, type Gaps, names, number, optional, type Phrase, reason, say } from "./Phrase.ts"

const point = ({ resource, at }: Gaps<{ resource: "epoch" | "step" | "seconds"; at: number }>): Phrase =>
  say`第 ${at} ${choice(resource, { epoch: say`轮`, step: say`步`, seconds: say`秒` })}`

type Left = Gaps<{ words: string | null; unreadable: number | null; problem: string | null }>
const leftBehind = ({ words, unreadable, problem }: Left): Phrase =>
  say`${optional(words, say`它最后的输出：${words}`)}${optional(unreadable, say`events.jsonl 中有 ${unreadable} 行无法读取，第一处问题：${problem}。`)}`

export const chinese: Catalogue = {
  Said: ({ text }) => say`${text}`,
  ByHand: () => say`用户手动操作`,
  FromPage: () => say`用户在网页上操作`,
  ByProgram: () => say`某个程序提出要求`,
  CtrlC: () => say`用户按下了 Ctrl-C`,
  CommandEnded: () => say`运行它的命令已退出`,
  OwnAgentEnded: () => say`本机的代理已退出`,
  SweepIsPaused: () => say`搜索已暂停`,

  SpaceExhausted: () => say`所有参数组合都已试过`,
  SamplerExhausted: () => say`采样器没有更多可试的参数`,
  SamplerFailed: ({ message }) => say`采样器出错：${message}`,
  TrialsSpent: ({ trials }) => say`${trials} 次试验的预算已用完`,
  HoursSpent: ({ hours }) => say`${hours} 小时的预算已用完`,
  GpuHoursSpent: ({ hours }) => say`${hours} GPU 小时的预算已用完`,
  TargetReached: ({ trial, metric, target }) => say`第 ${trial} 号试验达到了 ${metric} 的目标值 ${target}`,

  BehindAtRung: (gaps) =>
    say`在${point(gaps)}以 ${number(gaps.value)} 在 ${gaps.among} 个试验中排第 ${gaps.place}；只有前 ${gaps.kept} 名继续训练`,
  WorseThanMedian: (gaps) =>
    say`在${point(gaps)}的最佳值 ${number(gaps.best)} 差于 ${gaps.trials} 个试验的中位数 ${number(gaps.bar)}`,
  WorseThanPercentile: (gaps) =>
    say`在${point(gaps)}的最佳值 ${number(gaps.best)} 差于 ${gaps.trials} 个试验的第 ${gaps.percentile} 百分位数 ${number(gaps.bar)}`,
  WorseThanBand: ({ band, value, bar, runs }) =>
    say`第 ${band} 个指标值处，${number(value)} 差于 ${runs} 次运行的阈值 ${number(bar)}`,
  NoImprovement: ({ best, values }) => say`最近 ${values} 个值都没有超过此前最好的 ${number(best)}`,
  AboveBound: ({ value, bound }) => say`${number(value)} 高于上限 ${bound}`,
  BelowBound: ({ value, bound }) => say`${number(value)} 低于下限 ${bound}`,
  NotANumber: () => say`指标值不是有限的数`,
  Judged: ({ verdict, sinceStep }) =>
    say`${optional(sinceStep, say`自第 ${sinceStep} 步起`)}${choice(verdict, {
      healthy: say`正常`,
      overfitting: say`过拟合`,
      underfitting: say`欠拟合`,
      diverged: say`发散`,
      plateaued: say`停滞`,
      inconclusive: say`尚无结论`,
    })}`,
  NeverPromoted: () => say`早停规则已将它搁置，其余试验的结果也不会再让它恢复`,
  Exploits: (gaps) =>
    say`在${point(gaps)}的 ${gaps.among} 个成员中排第 ${gaps.place}；改从第 ${gaps.parent} 号试验（${number(gaps.value)}）继续训练`,
  WaitsForPopulation: ({ step }) => say`在第 ${step} 步等待种群中的其他成员`,

  AgentAsked: () => say`所在代理要求它停止`,
  AgentForgot: () => say`代理重新连接时已不再持有它`,
  AgentSilent: ({ agent, seconds }) => say`代理 ${agent} 已有 ${seconds} 秒没有消息`,
  AgentRemoved: ({ agent, why }) => say`用户移除了代理 ${agent}${optional(why, say`：${why}`)}`,
  JobEnded: ({ engine, state }) => say`${engine} 已结束该代理的作业：${state}`,
  JobGone: ({ engine }) => say`${engine} 已结束该代理的作业：队列中已没有它`,
  Superseded: () => say`这次运行已经作废`,
  Unstorable: () => say`它上报的内容无法保存`,

  AgentDrains: () => say`代理正在停止接收试验`,
  AgentStopped: () => say`代理已被停止`,
  AgentRestarted: () => say`代理重启了`,
  EndUnknown: () => say`代理重启了，训练程序已退出，没有留下退出原因`,
  AgentFailed: ({ message }) => say`代理无法继续运行它：${message}`,
  LeaseLapsed: ({ seconds }) => say`代理的租约已到期：${seconds} 秒未能联系上协调器`,
  GivenAway: () => say`协调器已放弃这次试验，或已把它交给别的代理`,
  HostLeaves: ({ seconds, sign }) => say`代理所在的主机将在 ${seconds} 秒内关闭（${sign}）`,
  SlotMissing: ({ slot }) => say`代理没有 ${slot} 号槽位`,
  SlotBusy: ({ slot, problem }) => say`代理的 ${slot} 号槽位被占用：${problem}`,
  SlotWithdrawn: ({ slot }) => say`代理的 ${slot} 号槽位已停用`,
  SourcesUnreachable: ({ problem }) => say`这台主机无法取得源码快照：${problem}`,
  CheckpointUnreachable: ({ parent, problem }) => say`无法取得第 ${parent} 号试验的检查点：${problem}`,
  DiskFull: ({ message }) => say`代理所在主机的磁盘已满：${message}`,
  ForeignSignal: () => say`代理以外的程序要求训练程序退出（SIGTERM）`,
  NotInTime: () => say`它没有按时结束`,
  SpoolOverflow: ({ bytes }) => say`训练程序写入的事件超过了 ${bytes} 字节。`,
  NoProgress: ({ minutes, step }) =>
    say`训练程序没有进展：${minutes} 分钟内没有写入任何事件或日志，最后停在第 ${step} 步。`,

  NothingReported: ({ metric, help }) =>
    say`没有收到指标 \`${metric}\`，也没有收到任何其他指标：训练程序什么都没有上报${optional(help, say`。程序如何上报指标：${help}`)}`,
  MetricMissing: ({ metric, arrived, more, near, help }) =>
    say`没有收到指标 \`${metric}\`；收到的有：${names(arrived)}${optional(more, say`，以及另外 ${more} 个`)}${optional(near, say`。是否指 \`${near}\`？`)}${optional(help, say`。程序如何上报指标：${help}`)}`,
  MetricNotFinite: ({ metric, value }) => say`指标 \`${metric}\` 的值为 ${value}`,
  NoTrainingRun: ({ problem }) => say`这些参数不能构成一次训练：${problem}`,
  ReportUnstorable: ({ problem }) => say`训练程序上报的内容无法保存：${problem}`,
  HostOutOfMemory: () => say`主机内存耗尽，内核终止了训练程序。`,
  TrainerOutOfMemory: ({ words }) => say`训练程序内存或显存不足：${words}`,
  TrainerCannotStart: ({ words }) => say`训练程序无法启动：${words}`,
  TrainerExited: (gaps) => say`训练程序以状态码 ${gaps.status} 退出，没有说明试验如何结束。${leftBehind(gaps)}`,
  TrainerKilled: (gaps) => say`训练程序被 ${gaps.signal} 终止。${leftBehind(gaps)}`,
  TrainerContradicts: (gaps) =>
    say`训练程序称这次运行的结果为 ${gaps.status}，却没有写入相应的事件。${leftBehind(gaps)}`,
  TrainerVanished: (left) => say`训练程序已结束，没有说明试验如何结束。${leftBehind(left)}`,
  TrainerForbidden: ({ agent, trainer, allowed }) =>
    say`代理 ${agent} 不允许使用训练程序 \`${trainer}\`；其所有者允许的有：${names(allowed, "无")}。`,
  MetricsForbidden: ({ agent, metrics, allowed }) =>
    say`代理 ${agent} 不运行指标代码 ${names(metrics)}；其所有者允许的目录有：${names(allowed, "无")}（sweep agent --allow-metrics DIR）。`,
  CannotPrepare: ({ problem }) => say`代理无法准备这次运行：${problem}`,

  Retried: ({ last }) => say`训练程序出错后重试：${reason(last)}`,
  TakenFromAgent: ({ agent, last }) => say`在代理 ${agent} 上失败，改由别的代理运行：${reason(last)}`,
  GaveUp: ({ attempts, last }) => say`${attempts} 次运行都没有结果，已放弃；最后一次：${reason(last)}`,
}
