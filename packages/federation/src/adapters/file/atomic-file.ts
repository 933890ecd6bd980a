/** Files that are complete or not there, also after a power cut. */
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export interface NewFile {
  readonly file: string;
  readonly text: string;
  /** Of the new file, from its first byte on. */
  readonly mode: number;
}

/** Replaces the file. Rejects with the system's error; then nothing has changed. */
export async function writeFileAtomically(file: string, text: string, mode: number): Promise<void> {
  return writeFilesAtomically([{ file, text, mode }]);
}

/**
 * Replaces files of one folder. All are on the disk before the first is replaced, so that a disk that is full changes none; a program that is killed
 * between may have replaced the first ones alone, in this order.
 */
export async function writeFilesAtomically(files: readonly [NewFile, ...NewFile[]]): Promise<void> {
  try {
    for (const each of files) await writeBeside(each);
    for (const { file } of files) await rename(nextTo(file), file);
  } catch (cause) {
    for (const { file } of files) await rm(nextTo(file), { force: true });
    throw cause;
  }
  const folder = await open(path.dirname(files[0].file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function nextTo(file: string): string {
  return `${file}.${process.pid}.next`;
}

async function writeBeside({ file, text, mode }: NewFile): Promise<void> {
  await rm(nextTo(file), { force: true });
  const handle = await open(nextTo(file), 'wx', mode);
  try {
    await handle.chmod(mode); // the umask took bits away
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
