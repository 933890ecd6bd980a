/** How every plugin process begins and ends, whatever protocol it speaks. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Monotonic, ResourceOf } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

export type PluginChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** Bytes of stderr that are kept. */
export const STDERR_BYTES_MAX = 8192;
/** How long the pipes of an ended process may stay open. Milliseconds. */
const PIPE_GRACE_MS = 500;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A process group of its own, with PATH and what the Plugin declares, and nothing else of our environment. */
export function spawnPlugin({ spec }: ResourceOf<'Plugin'>): PluginChild {
  const child = spawn(spec.executable, spec.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? DEFAULT_PATH, ...spec.env },
  });
  child.stdin.on('error', () => undefined); // EPIPE: it has ended, and its exit tells
  return child;
}

/** What is read of a plugin's stderr in a second; who writes more waits. Bytes. */
const STDERR_BYTES_PER_SECOND = 1024 * 1024;

/**
 * Tells what comes on stderr, at a pace: reading all that a plugin can write would take the daemon's one thread for as long as it writes. What is
 * still there when the process has ended is told at once.
 */
export function followStderr(child: PluginChild, clock: Clock, onChunk: (chunk: Buffer) => void): void {
  const { stderr } = child;
  const ended = new AbortController();
  let left = STDERR_BYTES_PER_SECOND;
  child.once('exit', () => {
    ended.abort();
    stderr.resume();
  });
  const rest = async (): Promise<void> => {
    stderr.pause();
    await clock.sleepUntil((clock.monotonic() + 1000) as Monotonic, ended.signal);
    left = STDERR_BYTES_PER_SECOND;
    stderr.resume();
  };
  stderr.on('data', (chunk: Buffer) => {
    onChunk(chunk);
    left -= chunk.length;
    if (left <= 0 && !ended.signal.aborted) void rest();
  });
}

export interface PluginEnd {
  /** Undefined if it was killed, or never ran. */
  readonly exitCode: number | undefined;
  /** `ended with exit code 3`, `ended by SIGKILL`, `could not be started: …`. */
  readonly how: string;
}

/** Resolves when the process has ended and nobody of its group is left: what it wrote last has been read by then. */
export async function pluginEnded(child: PluginChild): Promise<PluginEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: undefined, how: `could not be started: ${error.message}` }));
    child.once('exit', () => {
      killGroup(child); // what the plugin itself started
      closePipes(child);
    });
    child.once('close', (code, signal) =>
      resolve(
        code === null
          ? { exitCode: undefined, how: `ended by ${String(signal)}` }
          : { exitCode: code, how: `ended with exit code ${code}` },
      ),
    );
  });
}

export function killGroup({ pid }: PluginChild): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left in the group
  }
}

/** A descendant that left the group keeps the pipes open; it is not waited for. */
function closePipes(child: PluginChild): void {
  setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, PIPE_GRACE_MS).unref();
}
