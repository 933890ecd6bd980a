/** A copy of random bytes over SSH, checked at the far end. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { flowName, ssh, type Flow } from './client-flows.ts';
import { textOf } from './lab-fault.ts';
import type { Lab } from './lab.ts';
import type { LabFiles } from './lab-files.ts';

export interface Blob {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Random, so that nothing on the way can be clever about it. */
export async function writeBlob(files: LabFiles, bytes: number): Promise<Blob> {
  const content = randomBytes(bytes);
  const file = path.join(files.stateDir, 'hosts', `blob-${bytes}`);
  writeFileSync(file, content);
  return { file, bytes, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Writes the file on the far machine and reads it back there. @returns its sha256 there, or what went wrong */
export async function copyOverSsh(lab: Lab, flow: Flow, blob: Blob): Promise<string> {
  const target = `/run/copy-${flowName(flow).replace('->', '-')}`;
  const result = await ssh(lab, flow, `cat > ${target} && sha256sum < ${target}; rm -f ${target}`, {
    inputFile: blob.file,
  });
  return textOf(result).split(' ')[0] ?? '';
}
