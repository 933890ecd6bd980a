/** Whether the file that a Plugin names can be run, said in the words of an operator. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';

/** @returns what is wrong, undefined if nothing is; follows symbolic links */
export async function executableProblem(executable: string): Promise<string | undefined> {
  const subject = `executable "${executable}"`;
  if (!path.isAbsolute(executable)) return `${subject} is not an absolute path`;
  try {
    const status = await stat(executable);
    if (!status.isFile()) return `${subject} is not a regular file`;
  } catch {
    return `${subject} is not accessible`;
  }
  try {
    await access(executable, constants.X_OK);
  } catch {
    return `${subject} is not executable`;
  }
  return undefined;
}
