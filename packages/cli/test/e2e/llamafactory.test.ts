// A sweep over LLaMA-Factory's own configuration, with the real package; its methods and stages are
// agents/llamafactory/tests', and what it refuses is the sweepfile's tests'.
import { cpSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { lastJson, root, Workplace } from "./harness.ts"

it(
  "a guide's configuration with ranges added is interrupted, continues, and ends where the PEFT trainer ends",
  { timeout: 1_200_000 },
  async () => {
    const place = new Workplace()
    const quickstart = join(root, "sweeps/quickstart")
    cpSync(join(quickstart, "train.json"), join(place.directory, "train.json"))
    place.write("dataset_info.json", JSON.stringify({ own: { file_name: "train.json" } }))
    const file = place.write(
      "guide.yaml",
      `### model
model_name_or_path: ${quickstart}/base-model
### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all
### dataset
dataset: own
dataset_dir: .
cutoff_len: 96
max_samples: 256
### output
output_dir: saves/lora
logging_steps: 10
save_steps: 500
plot_loss: true
### train
per_device_train_batch_size: 8
gradient_accumulation_steps: 2
num_train_epochs: 2.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
### eval
eval_steps: 8
# What the sweep adds.
data: {train: train.json, eval: eval.json}
parameters: {learning_rate: {values: [3.0e-3]}}
`,
    )
    const running = place.start(["run", file, "--slots", "1"])
    await running.until(/#1 started/)
    running.kill("SIGINT")
    expect((await running.done).stderr).toContain("guide is paused")
    const resumed = await place.run(["resume", "guide", "--json"])
    expect(resumed.code, resumed.stderr).toBe(0)
    const own = lastJson(resumed.stdout)
    expect(own).toMatchObject({ sweep: "guide", trials: { completed: 1 } })
    const shown = lastJson((await place.run(["trials", "guide", "--json"])).stdout)
    expect(shown[0].parameters).toEqual({ learning_rate: 3e-3 })

    const same = place.write(
      "same.yaml",
      `model: ${quickstart}/base-model
data: {train: train.json, eval: eval.json}
parameters: {rank: 8, alpha: 16, learning_rate: 3.0e-3, epochs: 2, batch_size: 16, max_length: 96, max_samples: 256, warmup_ratio: 0.1}
method: grid
`,
    )
    const peft = await place.run(["run", same, "--json", "--slots", "1"])
    expect(peft.code, peft.stderr).toBe(0)
    // Runs of one trainer with different seeds differ by a twentieth of this at most.
    expect(Math.abs(lastJson(peft.stdout).best.objective - own.best.objective)).toBeLessThan(0.2)
  },
)
