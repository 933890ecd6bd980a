/** Which file a program is now: another one after an upgrade, though its name is the same. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** @param program a path, or a name that is looked for on the PATH as a shell does. @returns empty when there is none */
export async function fileIdentity(program: string, searched = process.env['PATH'] ?? ''): Promise<string> {
  const folders = program.includes('/') ? [''] : searched.split(':');
  for (const folder of folders) {
    try {
      const file = await realpath(path.join(folder, program));
      const { ino, mtimeMs, size } = await stat(file);
      return `${file} ${ino} ${mtimeMs} ${size}`;
    } catch {
      // Not there: perhaps in the next.
    }
  }
  return '';
}
