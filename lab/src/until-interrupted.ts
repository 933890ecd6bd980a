/** Ctrl-C and its relatives: whatever was made is removed before the process ends. */
import { constants } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { LabFiles } from './lab-files.ts';
import { exclusively } from './lab-lock.ts';
import { readRecord } from './lab-record.ts';
import { childrenOf, identify } from './process-table.ts';
import type { Progress } from './progress.ts';
import { namespacesOf, tearDown } from './tear-down.ts';
import { waitUntil } from './wait-until.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/**
 * SIGPIPE stands for an output that nobody reads any more (`demo | head`), which Node tells as an error of the stream. The signal itself is not listened
 * for: a child that ends before it has read all of its input raises it too.
 */
type Signal = (typeof SIGNALS)[number] | 'SIGPIPE';

/** Does the work; on a signal takes the lab down and ends the process with 128 + its number, unless the lab is finished and kept. */
export async function untilInterrupted<T>(files: LabFiles, progress: Progress, work: () => Promise<T>): Promise<T> {
  let interrupted = false;
  const onSignal = (signal: Signal): void => {
    if (interrupted) return; // npm and the terminal may both deliver it
    interrupted = true;
    progress.close();
    void leave(files, signal);
  };
  const onDeafOutput = (): void => onSignal('SIGPIPE');
  const onBug = (cause: unknown): void => {
    if (interrupted) return; // a machine went away under somebody who did not expect it
    interrupted = true;
    progress.close();
    process.stderr.write(`error: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
    void leave(files, undefined);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onBug);
  process.stdout.on('error', onDeafOutput);
  process.stderr.on('error', ignore); // nobody is left to tell
  // The machines are taken away under the work: what it makes of that is no news. The process ends in `leave`.
  const endInLeave = async (): Promise<never> => new Promise(ignore);
  try {
    const value = await work();
    return interrupted ? await endInLeave() : value;
  } catch (cause) {
    if (interrupted) await endInLeave();
    if (!isKept(files)) await removeForGood(files);
    throw cause;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onBug);
    process.stdout.off('error', onDeafOutput);
    process.stderr.off('error', ignore);
  }
}

function ignore(): void {
  // deliberately nothing
}

/** @param signal absent when it is a bug that ends the process */
async function leave(files: LabFiles, signal: Signal | undefined): Promise<never> {
  const stays = isKept(files) && readRecord(files)?.ready === true;
  const why = signal ?? 'after this error';
  process.stderr.write(stays ? `\n${why}: the lab stays up\n` : `\n${why}: taking the lab down\n`);
  let code = signal === undefined ? 1 : 128 + constants.signals[signal];
  if (!stays) {
    await removeForGood(files).catch((cause: unknown) => {
      process.stderr.write(`error: ${cause instanceof Error ? cause.message : String(cause)}\n`);
      code = 1;
    });
  }
  process.exit(code);
}

function isKept(files: LabFiles): boolean {
  return readRecord(files)?.keep === true;
}

/** The work may still have machines in the making: it is over when no child of this process is left, and then what they made is removed too. */
async function removeForGood(files: LabFiles): Promise<void> {
  await waitUntil(
    () => `the end of what was started (processes ${childrenOf(process.pid).join(', ')})`,
    async () => {
      await removeOurs(files).catch(ignore); // the last one tells what is left
      return childrenOf(process.pid).length === 0 || undefined;
    },
    { deadlineMs: 10_000, everyMs: 50 },
  );
  await removeOurs(files);
}

/** A lab that was refused because somebody else has it stays that somebody's. */
async function removeOurs(files: LabFiles): Promise<void> {
  await exclusively(files, async () => {
    const record = readRecord(files);
    if (record === undefined && namespacesOf(files).length === 0) return;
    if (record === undefined || isDeepStrictEqual(record.owner, identify(process.pid))) await tearDown(files);
  });
}
