import { spawn } from 'node:child_process';

export interface CommandFault {
  readonly code:
    | 'command.not-found'
    | 'command.failed'
    | 'command.timed-out'
    | 'command.output-too-long'
    | 'command.cancelled';
  readonly argv: readonly string[];
  /** Exit code, when the command ran to an end of its own. */
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to standard input, which is then closed. Secrets go here, never into `argv`. */
  readonly input?: string;
  /** A file of the caller's that is standard input instead of `input`; it stays the caller's to close. */
  readonly inputDescriptor?: number;
  readonly timeoutMs?: number;
  /** Bound of stdout and of stderr each; the command is killed when it writes more. */
  readonly outputBytesMax?: number;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export type CommandResult =
  | { readonly ok: true; readonly value: { readonly stdout: string; readonly stderr: string } }
  | { readonly ok: false; readonly error: CommandFault };

/**
 * Runs one program with an argument vector (no shell), `LC_ALL=C`, a time limit (10 s unless told) and an output bound (16 MiB unless told).
 * Never throws and never leaves the child behind: past the limit, or when `signal` aborts, its whole process group is killed.
 */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 10_000, outputBytesMax = 16 * 1024 * 1024 } = options;
  return new Promise<CommandResult>((resolve) => {
    const [file, ...args] = argv;
    const child = spawn(file, args, {
      stdio: [options.inputDescriptor ?? 'pipe', 'pipe', 'pipe'],
      detached: true, // a process group of its own, so that grandchildren die with it
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let code: CommandFault['code'] | undefined;
    const out = { stdout: [] as Buffer[], stderr: [] as Buffer[], stdoutBytes: 0, stderrBytes: 0 };
    const kill = (why: CommandFault['code']): void => {
      code ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL'); // the group is gone already
      }
    };
    const timer = setTimeout(() => kill('command.timed-out'), timeoutMs);
    const onAbort = (): void => kill('command.cancelled');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted) onAbort();

    child.stdout?.on('data', (chunk: Buffer) => {
      out.stdoutBytes += chunk.length;
      if (out.stdoutBytes > outputBytesMax) kill('command.output-too-long');
      else out.stdout.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      out.stderrBytes += chunk.length;
      if (out.stderrBytes > outputBytesMax) kill('command.output-too-long');
      else out.stderr.push(chunk);
    });
    child.stdin?.on('error', () => undefined); // EPIPE: the child did not want its input; its exit code tells
    child.stdin?.end(options.input ?? '');

    const finish = (exitCode: number | null, spawnError?: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      const stdout = Buffer.concat(out.stdout).toString('utf8');
      const stderr = spawnError === undefined ? Buffer.concat(out.stderr).toString('utf8') : spawnError.message;
      if (code === undefined && exitCode === 0) return resolve({ ok: true, value: { stdout, stderr } });
      const because = code ?? (spawnError?.code === 'ENOENT' ? 'command.not-found' : 'command.failed');
      resolve({
        ok: false,
        error: { code: because, argv, stdout, stderr, ...(exitCode === null ? {} : { exitCode }) },
      });
    };
    child.once('error', (error) => finish(null, error));
    child.once('close', (exitCode) => finish(exitCode));
  });
}
