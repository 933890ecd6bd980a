/** One process for one request: what it wrote, and how it ended. Bounded in time and bytes; the whole process group ends with it. */
import { createHash } from 'node:crypto';
import { GrowingBytes, PLUGIN_RESULT_BYTES_MAX } from '@routerd/plugin-sdk';
import {
  err,
  formatDuration,
  ok,
  type DurationMs,
  type Monotonic,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { redact } from './redact.ts';
import {
  followStderr,
  killGroup,
  pluginEnded,
  spawnPlugin,
  STDERR_BYTES_MAX,
  type PluginChild,
} from './spawn-plugin.ts';
import { TextTail } from './text-tail.ts';

export interface OneShotFault {
  readonly code: 'plugin.timed-out' | 'plugin.failed' | 'plugin.output-too-long' | 'plugin.cancelled';
  /** Completes the sentence "plugin NAME …". */
  readonly detail: string;
}

export interface OneShotEnd {
  readonly exitCode: number | undefined;
  readonly stdoutDigest: string;
  /** The last {@link STDERR_BYTES_MAX} bytes, redacted. */
  readonly stderr: string;
  readonly stdout: Result<string, OneShotFault>;
}

export interface OneShotOptions {
  /** Written to stdin, which then ends. */
  readonly input: string;
  /** Undefined for no limit. */
  readonly timeout: DurationMs | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export async function oneShotRun(plugin: ResourceOf<'Plugin'>, options: OneShotOptions): Promise<OneShotEnd> {
  const child = spawnPlugin(plugin);
  let whyKilled: OneShotFault | undefined;
  const kill = (why: OneShotFault): void => {
    whyKilled ??= why;
    killGroup(child);
  };
  const onAbort = (): void => kill({ code: 'plugin.cancelled', detail: 'was cancelled while it ran' });
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  const ended = new AbortController();
  void limit(options, ended.signal, kill);
  const stdout = collect(child, () =>
    kill({ code: 'plugin.output-too-long', detail: `wrote more than ${PLUGIN_RESULT_BYTES_MAX} bytes on stdout` }),
  );
  const noise = new TextTail(STDERR_BYTES_MAX);
  followStderr(child, options.clock, (chunk) => noise.push(chunk));
  child.stdin.end(options.input);
  const { exitCode, how } = await pluginEnded(child);
  ended.abort();
  options.signal.removeEventListener('abort', onAbort);
  const stderr = redact(noise.text());
  const bytes = stdout.take();
  const fault = whyKilled ?? (exitCode === 0 ? undefined : failed(how, stderr));
  return {
    exitCode: whyKilled === undefined ? exitCode : undefined,
    stdoutDigest: createHash('sha256').update(bytes).digest('hex'),
    stderr,
    stdout: fault === undefined ? ok(bytes.toString('utf8')) : err(fault),
  };
}

async function limit(
  { clock, timeout }: OneShotOptions,
  ended: AbortSignal,
  kill: (why: OneShotFault) => void,
): Promise<void> {
  if (timeout === undefined) return;
  await clock.sleepUntil((clock.monotonic() + timeout) as Monotonic, ended);
  if (!ended.aborted) kill({ code: 'plugin.timed-out', detail: `timed out after ${formatDuration(timeout)}` });
}

/** @returns at most {@link PLUGIN_RESULT_BYTES_MAX} bytes, filled as they come */
function collect(child: PluginChild, onTooLong: () => void): GrowingBytes {
  const bytes = new GrowingBytes();
  child.stdout.on('data', (chunk: Buffer) => {
    if (bytes.length + chunk.length > PLUGIN_RESULT_BYTES_MAX) onTooLong();
    else bytes.push(chunk);
  });
  return bytes;
}

function failed(how: string, stderr: string): OneShotFault {
  const lastLine = stderr.split('\n').findLast((line) => line.trim() !== '');
  return { code: 'plugin.failed', detail: `failed: it ${how}${lastLine === undefined ? '' : `: ${lastLine}`}` };
}
