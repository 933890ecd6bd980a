/** Files that are complete or not there, also after a power cut. */
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Replaces the file. The mode is that of the new file, from its first byte on. Rejects with the system's error; then nothing has changed. */
export async function writeFileAtomically(file: string, text: string, mode: number): Promise<void> {
  const next = `${file}.${process.pid}.next`;
  await rm(next, { force: true });
  try {
    const handle = await open(next, 'wx', mode);
    try {
      await handle.chmod(mode); // the umask took bits away
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  } catch (cause) {
    await rm(next, { force: true });
    throw cause;
  }
  const folder = await open(path.dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
