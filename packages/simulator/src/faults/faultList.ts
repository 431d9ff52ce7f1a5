// The faults that this program has to survive, each with a number that it keeps, and where it is tried: in the simulator's
// weather, by a test with real parts, or not at all, with the reason. Owns the table; faults.ts runs it.
import type { Fault, Happening } from "../cluster/weather.ts"

/** A test by its file and a part of its name. */
export type TestRef = readonly [file: string, name: string]

export interface ListedFault {
  readonly number: number
  readonly what: string
  /** Whether the weather of a run has it, when the simulator tries it. `lease` in milliseconds. */
  readonly weather?: (weather: ReadonlyArray<Happening>, lease: number) => boolean
  readonly tests?: ReadonlyArray<TestRef>
  /** Why nothing tries it. */
  readonly left?: string
}

type Weather = ReadonlyArray<Happening>

const has =
  (tag: Fault["_tag"], holds: (fault: Fault, lease: number) => boolean = () => true) =>
  (weather: Weather, lease: number): boolean =>
    weather.some(({ fault }) => fault._tag === tag && holds(fault, lease))

const lasts = (fault: Fault): number => ("millis" in fault ? fault.millis : 0)
const longer = (fault: Fault, lease: number): boolean => lasts(fault) > lease

/** Two faults of these kinds, of which the second begins before the first is over. */
const together =
  (one: Fault["_tag"], other: Fault["_tag"]) =>
  (weather: Weather): boolean =>
    weather.some(
      (a) =>
        a.fault._tag === one &&
        weather.some((b) => b.fault._tag === other && Math.abs(a.at - b.at) < Math.max(lasts(a.fault), lasts(b.fault))),
    )

const flapping = (weather: Weather): boolean =>
  weather.filter(({ fault }) => fault._tag === "Cut" && fault.millis < 4_000).length >= 3

const coordinator = "packages/coordinator/test/faults.test.ts"
const restart = "packages/coordinator/test/restart.test.ts"
const agent = "agents/daemon/test/Agent.test.ts"
const agentProcess = "agents/daemon/test/agentProcess.test.ts"
const tree = "agents/daemon/test/ProcessTree.test.ts"
const devices = "agents/daemon/test/devices.test.ts"
const attemptEnd = "agents/daemon/test/attemptEnd.test.ts"
const store = "packages/store/test/durability.test.ts"
const mark = "packages/store/test/durability/DurableMark.test.ts"
const doctor = "packages/store/test/durability/doctor.test.ts"
const flips = "packages/store/test/flips/flipBits.test.ts"
const checkpoints = "agents/trainer/tests/test_checkpoints.py"
const resume = "agents/trainer/tests/test_resume.py"

export const faultList: ReadonlyArray<ListedFault> = [
  {
    number: 1,
    what: "kill -9 of an agent",
    weather: has("KillAgent"),
    tests: [[agentProcess, "adopts the"]],
  },
  {
    number: 2,
    what: "an agent stopped beyond its lease, then continuing",
    weather: has("FreezeAgent", longer),
    tests: [[agentProcess, "past its lease ends its trial"]],
  },
  {
    number: 3,
    what: "kill -9 of the coordinator",
    weather: has("KillCoordinator"),
    tests: [[restart, "continues with the same sweep"]],
  },
  {
    number: 4,
    what: "kill -9 of coordinator and agent together",
    weather: together("KillCoordinator", "KillAgent"),
  },
  {
    number: 5,
    what: "the answer to an assignment is lost",
    weather: has("Cut"),
    tests: [
      [coordinator, "dispatches an assignment again that never arrived"],
      [agent, "the same assignment twice is one"],
    ],
  },
  {
    number: 6,
    what: "the confirmation of an end is lost",
    weather: has("Cut"),
    tests: [[coordinator, "confirms an end again whose confirmation was lost"]],
  },
  {
    number: 7,
    what: "batches twice and out of order",
    weather: has("Slow"),
    tests: [
      [coordinator, "takes a batch once that comes twice"],
      [coordinator, "breaks a session that leaves lines out"],
    ],
  },
  { number: 8, what: "a network cut, short, long, and beyond the lease", weather: has("Cut", longer) },
  { number: 9, what: "a half-open connection", weather: has("Cut", (fault) => lasts(fault) > 4_000) },
  {
    number: 10,
    what: "a line that works in one direction only",
    weather: has("Cut", (fault) => fault._tag === "Cut" && fault.direction !== "both"),
  },
  { number: 11, what: "a line that comes and goes", weather: flapping },
  {
    number: 12,
    what: "an agent starved by its trials",
    weather: has("FreezeAgent", (fault, lease) => lasts(fault) < lease),
  },
  {
    number: 13,
    what: "a heartbeat that is late",
    weather: has("FreezeAgent", longer),
    tests: [[agent, "that ends without contact ends the trial"]],
  },
  {
    number: 14,
    what: "the coordinator's clock set by an hour",
    weather: has("SetClock", (fault) => fault._tag === "SetClock" && fault.host === null),
  },
  {
    number: 15,
    what: "an agent's clock set by an hour",
    weather: has("SetClock", (fault) => fault._tag === "SetClock" && fault.host !== null),
  },
  {
    number: 16,
    what: "clearing up beside a trial that lives",
    weather: has("KillAgent"),
    tests: [[tree, "does not touch a process that has got the pid"]],
  },
  {
    number: 17,
    what: "a data-loader worker outlives its trainer",
    tests: [[agent, "leaves no process of a trainer that crashed"]],
  },
  { number: 18, what: "a child in a session of its own", tests: [[tree, "is found by parentage, group and mark"]] },
  { number: 19, what: "SIGTERM is ignored", tests: [[agent, "preempt kills a trainer that ignores SIGTERM"]] },
  { number: 20, what: "the shell around the trainer dies first", tests: [[tree, "is ended even when the shell"]] },
  {
    number: 21,
    what: "a process stuck in the kernel",
    tests: [[agent, "is withdrawn when its processes cannot be ended"]],
  },
  { number: 22, what: "the agent is process 1", left: "needs a process namespace of its own" },
  {
    number: 23,
    what: "one rank of a torchrun dies",
    left: "a trial over several processes is torchrun's; that its group leaves nothing behind is fault 17",
  },
  { number: 24, what: "a trainer that hangs in silence", tests: [[agent, "is ended when it has written nothing"]] },
  { number: 25, what: "a GPU falls off the bus", tests: [[devices, "that fell off the bus"]] },
  {
    number: 26,
    what: "nvidia-smi hangs",
    tests: [[devices, "are the CPU when nvidia-smi"]],
  },
  { number: 27, what: "a host that fails everything", tests: [["packages/coordinator/test/breaker.test.ts", ""]] },
  { number: 28, what: "the machine's memory runs out", tests: [[agent, "is out of memory only with evidence"]] },
  {
    number: 29,
    what: "the GPU's memory runs out",
    tests: [["packages/coordinator/test/sweep.test.ts", "does not repeat what ran out of memory"]],
  },
  {
    number: 30,
    what: "NaN at the end",
    tests: [["packages/coordinator/test/sweep.test.ts", "calls a trial diverged whose metric is NaN"]],
  },
  {
    number: 31,
    what: "NaN on the way",
    tests: [["packages/coordinator/test/decisions.test.ts", "passes over values that are not finite"]],
  },
  {
    number: 32,
    what: "killed while a checkpoint is written",
    tests: [[checkpoints, "test_an_interrupted_write_leaves_what_was_there"]],
  },
  { number: 33, what: "the newest checkpoint is damaged", tests: [[checkpoints, "test_a_damaged_one_falls_back"]] },
  {
    number: 34,
    what: "the agent's disk is full",
    tests: [
      [attemptEnd, "is a release when the disk of the host was full"],
      ["packages/cli/test/e2e/fullDisk.test.ts", "costs the trial no retry"],
      [checkpoints, "test_a_full_disk_is_called_full"],
    ],
  },
  {
    number: 35,
    what: "the coordinator's disk is full",
    weather: has("FullDisk"),
    tests: [
      [store, "a full disk is called full"],
      [coordinator, "acknowledges nothing, says why"],
    ],
  },
  { number: 36, what: "kill -9 in the middle of commits", tests: [[store, "kill"]] },
  { number: 37, what: "a damaged write-ahead log", tests: [[store, "whose log has noise in it"]] },
  {
    number: 38,
    what: "rows replaced, then killed: the schema replaces none",
    tests: [[store, "knows its facts, marks and metrics"]],
  },
  { number: 39, what: "a second owner of the database", tests: [[store, "is refused with the other's process id"]] },
  {
    number: 40,
    what: "the database on a network file system",
    tests: [["packages/store/test/networkFileSystem.test.ts", "knows network file systems"]],
  },
  {
    number: 41,
    what: "a torn end of the spool",
    weather: has("KillTrainer"),
    tests: [
      ["agents/daemon/test/spool.test.ts", "keeps a line back until its end is written"],
      [agent, "skips torn and unreadable lines"],
    ],
  },
  {
    number: 42,
    what: "the spool of a trial whose trainer died with its agent",
    weather: has("KillAgent"),
    tests: [[agentProcess, "gives back a trial whose trainer died too"]],
  },
  {
    number: 43,
    what: "SIGTERM twice",
    tests: [["agents/trainer/tests/test_host.py", "test_sigterm_to_a_host_in_a_run"]],
  },
  {
    number: 44,
    what: "SIGTERM a minute early",
    weather: has("TerminateTrainer"),
    tests: [[resume, "test_preempted_after_a_step"]],
  },
  {
    number: 45,
    what: "preempted, with exit status 0",
    tests: [[attemptEnd, "is a failure without `finished`, even with exit status 0"]],
  },
  { number: 46, what: "resumed twice", tests: [[resume, "test_preempted_twice_and_between_logs"]] },
  { number: 47, what: "a restart in the middle of a sweep", tests: [[restart, "suggests after a restart"]] },
  { number: 48, what: "several ask at once", tests: [[restart, "loses and doubles nothing of six agents"]] },
  { number: 49, what: "the same configuration twice", tests: [["packages/coordinator/test/reuse.test.ts", ""]] },
  {
    number: 50,
    what: "an end and a cancellation at once",
    weather: has("Control", (fault) => fault._tag === "Control" && fault.action === "stop"),
    tests: [[coordinator, "lets the first end of a trial win"]],
  },
  {
    number: 51,
    what: "a consumer that is slow",
    tests: [["packages/coordinator/test/watch.test.ts", "gives a watcher that fell behind"]],
  },
  {
    number: 52,
    what: "the coordinator stands still",
    weather: has("FreezeCoordinator"),
    tests: [[coordinator, "does not take its own standstill"]],
  },
  {
    number: 53,
    what: "a message that is too large",
    tests: [["packages/grpc/test/grpcServer.test.ts", "breaks at a message above the limit"]],
  },
  {
    number: 54,
    what: "a thousand agents come back at once",
    left: "measured rather than tested: `npm run bench -- scale`",
  },
  {
    number: 55,
    what: "a certificate or a token ends while it is in use",
    tests: [
      ["packages/cli/test/gate.test.ts", "takes a renewed certificate up"],
      ["packages/cli/test/gate.test.ts", "ends the session of an agent whose token is revoked"],
    ],
  },
  {
    number: 56,
    what: "an agent of another version",
    tests: [[coordinator, "refuses an agent of another protocol version"]],
  },
  {
    number: 57,
    what: "a line of the spool that nobody can read",
    tests: [
      [agent, "costs the attempts beside it nothing when a line"],
      ["packages/simulator/test/spoolToMark.test.ts", "all that is valid is committed once"],
    ],
  },
  {
    number: 58,
    what: "a host taken away after a notice of 30 s",
    weather: has("PreemptAgent"),
    tests: [
      ["packages/cli/test/e2e/preemption.test.ts", "saves a checkpoint, hands it over"],
      [agent, "released: gives the trial back in time"],
    ],
  },
  {
    number: 59,
    what: "a store that was rolled back",
    tests: [
      [coordinator, "that was rolled back is recognised by an agent"],
      [agent, "ends what it has under a number that is given a second time"],
    ],
  },
  {
    number: 73,
    what: "two hosts with one home directory",
    tests: [["agents/daemon/test/AgentHome.test.ts", "is the first one's: the second says who has it"]],
  },
  {
    number: 69,
    what: "an agent of the same id on another host",
    tests: [[coordinator, "the second gets nothing of the first before its lease"]],
  },
  {
    number: 70,
    what: "lines of one attempt that the store cannot take",
    tests: [[coordinator, "ends the attempt alone whose lines cannot be stored"]],
  },
  {
    number: 60,
    what: "flipped bits in the write-ahead log, the main file and the mark",
    tests: [
      [flips, "loses nothing acknowledged without saying so"],
      [mark, "is refused for any flipped bit of its log"],
      [doctor, "flips a single flipped bit of the log back"],
    ],
  },
  {
    number: 61,
    what: "the main file is missing, its log or mark is there",
    tests: [[mark, "is refused when the main file is missing"]],
  },
  {
    number: 62,
    what: "the database is removed or replaced while it is open",
    tests: [[mark, "acknowledges nothing more once it was"]],
  },
  {
    number: 63,
    what: "an older main file under a newer mark",
    tests: [[mark, "is refused when the main file is an older one"]],
  },
  {
    number: 64,
    what: "kill -9 between a commit, a checkpoint and the mark",
    tests: [
      [mark, "between a commit and its mark"],
      [mark, "after a checkpoint and before its mark"],
    ],
  },
  {
    number: 65,
    what: "a stale coordinator.json, of a pid that is another process's now",
    tests: [["packages/cli/test/home.test.ts", "is stale when its pid is another process's"]],
  },
  {
    number: 66,
    what: "the wall clock is set two hours ahead",
    tests: [["packages/coordinator/test/steadyTime.test.ts", "keeps a budget of hours from being used up"]],
  },
  {
    number: 67,
    what: "a backup that is damaged, or misses what was acknowledged",
    tests: [["packages/cli/test/scheduledBackups.test.ts", "is not taken for one"]],
  },
  {
    number: 68,
    what: "files of trials fill the database's disk",
    tests: [
      ["packages/store/test/FolderArtifacts.test.ts", "leave the reserve of the disk free"],
      ["packages/coordinator/test/artifacts.test.ts", "files beyond the quota of the"],
    ],
  },
  {
    number: 71,
    what: "the kernel ends the agent for want of memory: SIGKILL to it alone, its trainers continue",
    weather: has("KillAgent"),
    tests: [[agentProcess, "adopts the command trainer"]],
  },
  {
    number: 72,
    what: "no descriptors are left on the agent's host",
    tests: [["agents/daemon/test/spool.test.ts", "is not taken for empty when no descriptor is left"]],
  },
]
