/** One program at a time changes a folder: two that read, change and write the same file would each lose what the other did. */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

export type Held<T> = { readonly kind: 'held'; readonly value: T } | { readonly kind: 'busy'; readonly pid: number };

/**
 * The mark of a program that was killed meanwhile is known by its process id, and counts no more. Rejects with the system's error when the
 * mark cannot be made, and with what `work` rejects with.
 */
export async function holdFolder<T>(folder: string, work: () => Promise<T>): Promise<Held<T>> {
  const mark = path.join(folder, '.lock');
  if (!(await make(mark))) {
    const holder = await holderOf(mark);
    if (holder !== undefined) return { kind: 'busy', pid: holder };
    await removeLeft(mark);
    if (!(await make(mark))) return { kind: 'busy', pid: (await holderOf(mark)) ?? 0 };
  }
  try {
    return { kind: 'held', value: await work() };
  } finally {
    await rm(mark, { force: true });
  }
}

/** It has its process id from its first moment on. @returns whether it was not there before */
async function make(mark: string): Promise<boolean> {
  const next = `${mark}.${randomUUID()}`;
  try {
    await writeFile(next, String(process.pid), { mode: 0o600 });
    await link(next, mark);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw cause;
  } finally {
    await rm(next, { force: true });
  }
}

/** @returns undefined when its process is gone */
async function holderOf(mark: string): Promise<number | undefined> {
  const pid = Number(await readFile(mark, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM' ? pid : undefined;
  }
}

/** Of two that find the same mark left, one moves it away; what the other finds under its name then is alive, and put back. */
async function removeLeft(mark: string): Promise<void> {
  const aside = `${mark}.${randomUUID()}`;
  try {
    await rename(mark, aside);
  } catch {
    return;
  }
  if ((await holderOf(aside)) === undefined) await rm(aside, { force: true });
  else await rename(aside, mark);
}
