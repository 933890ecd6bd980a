/** Ctrl-C and its relatives: whatever was made is removed before the process ends. */
import { constants } from 'node:os';
import type { LabFiles } from './lab-files.ts';
import { readRecord } from './lab-record.ts';
import { tearDown } from './tear-down.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does the work; on a signal takes the lab down and ends the process with 128 + its number, unless the lab is finished and kept. */
export async function untilInterrupted<T>(files: LabFiles, work: () => Promise<T>): Promise<T> {
  let interrupted = false;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (interrupted) return; // npm and the terminal may both deliver it
    interrupted = true;
    void leave(files, signal, settled);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const working = work();
  const settled = working.then(
    () => undefined,
    () => undefined,
  );
  try {
    return await working;
  } catch (cause) {
    // The machines were taken away under the work: what it met is no news. The process ends in `leave`.
    if (interrupted) await new Promise<never>(() => undefined);
    throw cause;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

async function leave(files: LabFiles, signal: (typeof SIGNALS)[number], settled: Promise<void>): Promise<never> {
  const record = readRecord(files);
  const stays = record?.keep === true && record.ready;
  process.stderr.write(stays ? `\n${signal}: the lab stays up\n` : `\n${signal}: taking the lab down\n`);
  if (!stays) {
    await tearDown(files).catch(() => 0);
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 3000))]);
    await tearDown(files); // what the work still made meanwhile
  }
  process.exit(128 + constants.signals[signal]);
}
