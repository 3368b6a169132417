/**
 * A host of the lab: a network namespace (and a mount namespace with its own /run, /sys and DHCP clients' memories) without a name in the file system. A shell holds it.
 * When that shell's input ends, because we say so or because we are dead, it kills every process of the namespace and ends too; the kernel then
 * removes interfaces, rules and routes with the namespace. So nothing can be left behind, and homes never get into each other's way.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Running } from "./running.ts";

/** A command in a namespace ended with something else than 0. */
export class CommandFailed extends Error {
  constructor(where: string, command: string, { code, stdout, stderr }: CommandResult) {
    super(`${where}: \`${command}\` ended with exit code ${code}\n${stderr}${stdout}`.trimEnd());
    this.name = "CommandFailed";
  }
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface NamespaceOptions {
  /** For every command that runs in it. */
  readonly env?: Readonly<Record<string, string>>;
  /** A shell command that the holder runs at its very end, even when we did not live to see it. */
  readonly afterwards?: string;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether Running.write will be used; stdin is empty otherwise. */
  readonly writable?: boolean;
}

/** Where Debian keeps what plain users rarely call. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin";
/** What a service manager or a test runner tells its own children. */
const NOT_FOR_TOOLS = new Set([
  "NOTIFY_SOCKET",
  "JOURNAL_STREAM",
  "NODE_TEST_CONTEXT",
  "NODE_OPTIONS",
  "STATE_DIRECTORY",
  "RUNTIME_DIRECTORY",
]);

/** Longest run of a command that is waited for. */
const PATIENCE = 30_000;

/**
 * Runs when the input ends: `-ef` sees whether two namespaces are the same one, without starting a program for each process. It goes round until nobody
 * is left, because what is being killed may have been forking.
 */
const hold = (afterwards: string): string => `
sweep() {
  trap '' INT TERM HUP
  found=yes
  rounds=200
  while [ $found = yes ] && [ $rounds -gt 0 ]; do
    found=no
    rounds=$((rounds - 1))
    for process in /proc/[0-9]*; do
      [ "$process/ns/net" -ef /proc/$$/ns/net ] && [ "$process" != /proc/$$ ] && found=yes && kill -9 "\${process#/proc/}" 2>/dev/null
    done
    [ $found = no ] || sleep 0.01
  done
  ${afterwards || ":"}
}
trap sweep EXIT
for directory in /run /var/lib/dhcpcd /var/lib/dhcp /var/lib/dhcpv6 /var/lib/NetworkManager; do
  [ ! -d $directory ] || mount -t tmpfs tmpfs $directory
done
# DHCP clients and skylan write this one: they must not write that of the machine.
if [ -f /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ]; then
  touch /run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf || exit 1
else
  mkdir /run/etc && cp -a /etc/. /run/etc && rm -f /run/etc/resolv.conf && touch /run/etc/resolv.conf && mount --bind /run/etc /etc || exit 1
fi
mount -t sysfs sysfs /sys 2>/dev/null
ip link set lo up
`;

export class Namespace implements AsyncDisposable {
  readonly name: string;
  readonly #holder: Running;
  readonly #env: Readonly<Record<string, string>>;
  #scripts = 0;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(name: string, holder: ChildProcess, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#holder = new Running(holder, `the holder of ${name}`);
    this.#env = env;
  }

  /** A namespace with nothing but a loopback interface. @throws CommandFailed when the kernel does not allow it */
  static async create(name: string, { env = {}, afterwards = "" }: NamespaceOptions = {}): Promise<Namespace> {
    // A session of its own: Ctrl-C ends us, and our end ends it, in this order.
    const holder = spawn("unshare", ["--net", "--mount", "sh"], { stdio: "pipe", detached: true, env: toolEnvironment() });
    const namespace = new Namespace(name, holder, env);
    namespace.#holder.write(hold(afterwards));
    await namespace.shell(":");
    return namespace;
  }

  /** The process whose namespaces these are. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Runs a shell script in the holding shell: without starting a process for what the shell itself can do. @throws CommandFailed at the first error */
  shell(script: string): Promise<string> {
    const result = this.#queue.then(() => this.#runScript(script));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #runScript(script: string): Promise<string> {
    const mark = `skylan-lab-${++this.#scripts}`;
    const from = this.#holder.output.length;
    this.#holder.write(`( set -e\n${script}\n) 2>&1 </dev/null; echo "${mark} $?"\n`);
    const last = await this.#holder.line(new RegExp(`^${mark} `), PATIENCE).catch((error: Error) => error);
    if (last instanceof Error)
      throw new CommandFailed(this.name, "unshare --net --mount sh", { code: 1, stdout: "", stderr: last.message });
    const output = this.#holder.output.slice(from, this.#holder.output.lastIndexOf(mark));
    const code = Number(last.split(" ")[1]);
    if (code !== 0) throw new CommandFailed(this.name, script.trim(), { code, stdout: output, stderr: "" });
    return output;
  }

  /** Several `ip` commands, one a line, as one process. @throws CommandFailed at the first error */
  async ip(commands: string): Promise<void> {
    await this.shell(`ip -batch - <<'END'\n${commands.trim()}\nEND`);
  }

  /** Sets switches under /proc/sys/net, e.g. {"ipv6/conf/all/forwarding": 1}. @throws CommandFailed */
  async sysctl(values: Readonly<Record<string, number | string>>): Promise<void> {
    await this.shell(
      Object.entries(values)
        .map(([path, value]) => `echo ${value} >/proc/sys/net/${path}`)
        .join("\n"),
    );
  }

  /** What a command prints. @throws CommandFailed when its exit code is not 0 or it takes longer than half a minute */
  async exec(...command: readonly string[]): Promise<string> {
    const result = await this.attempt(...command);
    if (result.code !== 0) throw new CommandFailed(this.name, command.join(" "), result);
    return result.stdout;
  }

  /** Like exec, for commands that may fail. */
  attempt(...command: readonly string[]): Promise<CommandResult> {
    const child = this.#enter(command, {}, "ignore");
    const output = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    return new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: 127, stdout: "", stderr: error.message }));
      child.once("close", (code) => {
        clearTimeout(timer);
        resolve({ code, ...output });
      });
    });
  }

  /** Starts a command that goes on in the background; it ends with the namespace at the latest. */
  spawn(command: readonly string[], { env = {}, writable = false }: SpawnOptions = {}): Running {
    return new Running(this.#enter(command, env, writable ? "pipe" : "ignore"), `${command[0]} in ${this.name}`);
  }

  #enter(command: readonly string[], env: Readonly<Record<string, string>>, stdin: "ignore" | "pipe"): ChildProcess {
    const [program, ...args] = enterCommand(this.pid, command);
    return spawn(program!, args, { stdio: [stdin, "pipe", "pipe"], env: { ...toolEnvironment(), ...this.#env, ...env } });
  }

  /** Ends every process in the namespace, and the namespace. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.endInput();
    await this.#holder.ended;
  }
}

/** The command line that runs `command` in the namespaces of process `pid`; it becomes the command without a fork. */
export function enterCommand(pid: number, command: readonly string[], { userNamespace = false } = {}): readonly string[] {
  return [
    "nsenter",
    `--target=${pid}`,
    ...(userNamespace ? ["--user", "--preserve-credentials"] : []),
    "--net",
    "--mount",
    "--",
    ...command,
  ];
}

/** Our environment for tools, which find each other also where a plain user's PATH does not look. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !NOT_FOR_TOOLS.has(name));
  return { ...Object.fromEntries(kept), PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${SYSTEM_PATH}` };
}
