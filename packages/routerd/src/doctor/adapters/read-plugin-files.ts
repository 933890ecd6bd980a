/** What stands where plugins say that their programs are. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { PluginFact } from '../doctor-facts.ts';

export async function readPluginFile(path: string): Promise<NonNullable<PluginFact['file']>> {
  try {
    if (!(await stat(path)).isFile()) return 'not-a-file';
  } catch {
    return 'missing';
  }
  try {
    await access(path, constants.X_OK);
    return 'executable';
  } catch {
    return 'not-executable';
  }
}
